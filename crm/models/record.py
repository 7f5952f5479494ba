"""What companies, contacts and leads have in common."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from django.db.models.functions import Concat, Replace, Trim
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped


class Record(Owned, Timestamped):
    """A record that somebody can be mailed by; its owner is whom it is assigned to."""

    email = models.EmailField(_("e-mail"), max_length=254, blank=True, db_index=True)
    country = models.ForeignKey(
        "crm.Country",
        verbose_name=_("country"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    tags = models.ManyToManyField(
        "crm.Tag", verbose_name=_("tags"), blank=True, related_name="+"
    )
    accepts_mailings = models.BooleanField(
        _("accepts mailings"),
        default=True,
        help_text=_("Setting it again never overrides an unsubscription."),
    )
    disqualified = models.BooleanField(_("disqualified"), default=False)

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["owner", "-created_at", "-id"], name="%(class)s_by_owner"
            ),
            models.Index(
                fields=["department", "-created_at", "-id"],
                name="%(class)s_by_department",
            ),
            models.Index(fields=["-created_at", "-id"], name="%(class)s_by_creation"),
        ]


def full_name_expression() -> Trim:
    """First, middle and last name with one space between those that are there."""
    names = Concat("first_name", Value(" "), "middle_name", Value(" "), "last_name")
    return Trim(Replace(names, Value("  "), Value(" ")))


class Person(Record):
    """A record that is a human being."""

    title = models.CharField(_("title"), max_length=100, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=95, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    # Of the database, so that lists sort and recipients are found by it.
    full_name = models.GeneratedField(
        verbose_name=_("name"),
        expression=full_name_expression(),
        output_field=models.CharField(max_length=300),
        db_persist=True,
    )

    class Meta(Record.Meta):
        abstract = True

    def __str__(self) -> str:
        names = (self.first_name, self.middle_name, self.last_name)
        return " ".join(filter(None, names)) or self.email or f"#{self.pk}"

    def clean(self) -> None:
        super().clean()
        if not (self.first_name or self.last_name or self.email):
            raise ValidationError(_("Give a name or an e-mail address."))


def validate_time_zone(value: str) -> None:
    """Refuse what the time zone database does not know."""
    if value not in available_timezones():
        raise ValidationError(_("There is no such time zone."))
