"""Leads."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.record import Person


class Lead(Person):
    """A person who may become a customer."""

    company_name = models.CharField(_("company"), max_length=200, blank=True)
    website = models.URLField(_("website"), blank=True)
    industry = models.ForeignKey(
        "crm.Industry",
        verbose_name=_("industry"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta(Person.Meta):
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
