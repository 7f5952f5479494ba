"""The test host's wiring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from massmail.recipients import RecipientFilter, RecipientSource, register
from massmail.tests.hostapp.models import Customer, Member, Subscriber


class PersonRecipients(RecipientSource):
    address, name = "email", "name"
    variables = {"first_name": "name", "city": "city", "born": "born"}
    exclusions = {
        "disqualified": Q(disqualified=True),
        "opted_out": Q(accepts_mailings=False),
        "too_young": Q(born__year__gte=2015),
    }

    def addressable_by(self, user: Any) -> QuerySet:
        return self.model.objects.filter(owner=user)

    def on_unsubscribe(self, ids: Sequence[Any]) -> None:
        self.model.objects.filter(pk__in=ids).update(accepts_mailings=False)

    def on_resubscribe(self, ids: Sequence[Any]) -> None:
        self.model.objects.filter(pk__in=ids).update(accepts_mailings=True)


class CityFilter(RecipientFilter):
    city = forms.CharField(label="City", required=False)

    def filter(self, queryset: QuerySet, cleaned_data: dict[str, Any]) -> QuerySet:
        city = cleaned_data["city"]
        return queryset.filter(city=city) if city else queryset


@register(Customer)
class CustomerRecipients(PersonRecipients):
    filter_form = CityFilter


@register(Subscriber)
class SubscriberRecipients(PersonRecipients):
    pass


@register(Member)
class MemberRecipients(PersonRecipients):
    pass
