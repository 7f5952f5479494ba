"""The whole wiring to massmail: who can be mailed, by what name, and who not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from crm.filter_forms import (
    CompanyFilterForm,
    ContactFilterForm,
    LeadFilterForm,
)
from crm.models import Company, Contact, Lead
from massmail.recipients import RecipientSource, register


class RecordRecipients(RecipientSource):
    """Everybody mails what is assigned to him: superusers, too, only what they own."""

    address = "email"
    exclusions = {
        "disqualified": Q(disqualified=True),
        "opted_out": Q(accepts_mailings=False),
    }

    def addressable_by(self, user: Any) -> QuerySet:
        return self.model._default_manager.filter(owner=user)

    def on_unsubscribe(self, ids: Sequence[Any]) -> None:
        records = self.model._default_manager.filter(pk__in=ids)
        records.update(accepts_mailings=False)

    def on_resubscribe(self, ids: Sequence[Any]) -> None:
        records = self.model._default_manager.filter(pk__in=ids)
        records.update(accepts_mailings=True)


PERSON_VARIABLES = {
    "title": "title",
    "first_name": "first_name",
    "middle_name": "middle_name",
    "last_name": "last_name",
    "full_name": "full_name",
    "email": "email",
    "country": "country__name",
}


@register(Company)
class CompanyRecipients(RecordRecipients):
    name = "name"
    filter_form = CompanyFilterForm
    variables = {
        "company": "name",
        "email": "email",
        "phone": "phone",
        "website": "website",
        "city": "city",
        "country": "country__name",
        "industry": "industry__name",
    }


@register(Contact)
class ContactRecipients(RecordRecipients):
    name, language, time_zone = "full_name", "language", "time_zone"
    filter_form = ContactFilterForm
    variables = PERSON_VARIABLES | {
        "phone": "phone",
        "company": "company__name",
        "city": "company__city",
        "industry": "company__industry__name",
    }


@register(Lead)
class LeadRecipients(RecordRecipients):
    name = "full_name"
    filter_form = LeadFilterForm
    variables = PERSON_VARIABLES | {
        "company": "company_name",
        "website": "website",
        "industry": "industry__name",
    }
