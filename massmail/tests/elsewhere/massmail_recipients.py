from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from massmail.recipients import RecipientSource, register
from massmail.tests.elsewhere.models import Person


@register(Person)
class PersonRecipients(RecipientSource):
    address, name = "mail", "name"
    variables = {"first_name": "name"}
    exclusions = {"opted_out": Q(wants_mail=False)}

    def addressable_by(self, user: Any) -> QuerySet:
        return Person.objects.filter(seller=user)

    def on_unsubscribe(self, ids: Sequence[Any]) -> None:
        Person.objects.filter(pk__in=ids).update(wants_mail=False)
