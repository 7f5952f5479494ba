"""Tag."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.models.named import NamedModel


class Tag(NamedModel):
    """A word that colleagues put on records."""

    class Meta(NamedModel.Meta):
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
