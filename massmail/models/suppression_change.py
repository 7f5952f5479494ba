"""The history of the "don't mail" list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.target_list import TargetList


class SuppressionChange(models.Model):
    """An address or a domain was put on the list, or taken off; only ever added.

    Without the address itself: its key finds it, and erasure has nothing to do here.
    """

    class Action(models.TextChoices):
        ADDED = "added", _("put on the list")
        CHANGED = "changed", _("another reason")
        LIFTED = "lifted", _("taken off the list")

    address_key = models.CharField(max_length=32, blank=True, db_index=True)
    domain = models.CharField(_("domain"), max_length=253, blank=True)
    target_list = models.ForeignKey(
        TargetList,
        verbose_name=_("target list"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # only asked for when a list is deleted
    )
    action = models.CharField(_("what"), max_length=8, choices=Action)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("when"), auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("change of the don't-mail list")
        verbose_name_plural = _("changes of the don't-mail list")
        ordering = ["-occurred_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.domain or self.address_key} {self.action}"
