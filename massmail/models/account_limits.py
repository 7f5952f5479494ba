"""How much an account may send, and how fast."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Limited(models.Model):
    """Windows, warm-up, gaps and connections; `sending.quotas` counts them."""

    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(
        _("per day"),
        null=True,
        blank=True,
        help_text=_("The limit of Massmail Settings when blank."),
    )
    per_domain_hour = models.PositiveIntegerField(
        _("per domain and hour"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("To addresses of one domain; no limit when blank."),
    )
    warm_up_start = models.PositiveIntegerField(
        _("first day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Messages on the first day; no warm-up when blank."),
    )
    warm_up_growth = models.PositiveIntegerField(
        _("more each day"),
        default=20,
        validators=[MinValueValidator(1)],
        help_text=_("Until the limit per day is reached."),
    )
    warm_up_began_at = models.DateTimeField(
        _("warm-up began"), null=True, editable=False
    )
    min_gap_seconds = models.FloatField(
        _("shortest gap"), default=15.0, validators=[MinValueValidator(0.0)]
    )
    max_gap_seconds = models.FloatField(
        _("longest gap"), default=35.0, validators=[MinValueValidator(0.0)]
    )
    max_connections = models.PositiveSmallIntegerField(
        _("connections"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
    )

    class Meta:
        abstract = True

    @property
    def has_gaps(self) -> bool:
        return self.max_gap_seconds > 0
