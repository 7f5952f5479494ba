"""Contacts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.record import Person, validate_time_zone


class Contact(Person):
    """A person whom a colleague knows, mostly in a company."""

    phone = models.CharField(_("phone"), max_length=50, blank=True)
    company = models.ForeignKey(
        "crm.Company",
        verbose_name=_("company"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="contacts",
    )
    language = models.CharField(
        _("language"), max_length=16, blank=True, help_text=_("For example en or pt-BR")
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("For example Europe/Berlin"),
    )

    class Meta(Person.Meta):
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
