"""Type of client."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.models.named import NamedModel


class ClientType(NamedModel):
    """What a company is to us: customer, partner, reseller."""

    class Meta(NamedModel.Meta):
        verbose_name = _("type of client")
        verbose_name_plural = _("types of clients")
