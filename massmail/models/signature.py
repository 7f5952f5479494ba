"""How a manager ends a message."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped


class Signature(Owned, Timestamped):
    """Text below a message, HTML or plain; one per owner is preselected."""

    class Type(models.TextChoices):
        HTML = "html", _("HTML")
        PLAIN = "plain", _("plain text")

    name = models.CharField(_("name"), max_length=100)
    type = models.CharField(_("type"), max_length=5, choices=Type, default=Type.PLAIN)
    content = models.TextField(_("content"), max_length=20_000)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=models.Q(is_default=True),
                name="one_default_signature_per_owner",
                violation_error_message=_("Another signature is the default already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
