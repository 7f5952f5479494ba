"""Industry."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.models.named import NamedModel


class Industry(NamedModel):
    """A branch of business."""

    class Meta(NamedModel.Meta):
        verbose_name = _("industry")
        verbose_name_plural = _("industries")
