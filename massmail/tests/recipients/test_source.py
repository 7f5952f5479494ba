"""The small class by which a host's model becomes a kind of recipient."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured

from massmail.recipients import RecipientSource
from massmail.recipients.registry import source_of
from massmail.recipients.source import Recipient, path_exists, variable_value
from massmail.tests.factories import (
    CustomerFactory,
    MemberFactory,
    SubscriberFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer, Member, Subscriber


class Minimal(RecipientSource):
    address = "email"


@pytest.mark.django_db
@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_recipients_are_found_by_keys_of_every_type(factory):
    people = factory.create_batch(2, city="Delft", born=dt.date(1990, 5, 4))
    source = source_of(type(people[0]))

    found = source.recipients([person.pk for person in people])

    assert found == {
        str(person.pk): Recipient(
            object_id=str(person.pk),
            address=person.email,
            name=person.name,
            variables={
                "first_name": person.name,
                "city": "Delft",
                "born": dt.date(1990, 5, 4),
            },
        )
        for person in people
    }


@pytest.mark.django_db
def test_they_come_in_one_query_and_without_those_who_vanished(
    django_assert_num_queries,
):
    customer = CustomerFactory()
    with django_assert_num_queries(1):
        found = source_of(Customer).recipients([customer.pk, customer.pk + 1])

    assert list(found) == [str(customer.pk)]


@pytest.mark.django_db
def test_only_the_address_is_required():
    customer = CustomerFactory()

    [found] = Minimal(Customer).recipients([customer.pk]).values()

    assert found == Recipient(object_id=str(customer.pk), address=customer.email)


@pytest.mark.django_db
def test_texts_come_on_one_line_and_relations_are_followed():
    class Followed(RecipientSource):
        address, name = "owner__email", "name"
        variables = {"boss": "owner__username", "key": "pk"}

    customer = CustomerFactory(name="Ann\nSmith\t\x07", owner=UserFactory(username="b"))
    orphan = CustomerFactory(owner=None)

    found = Followed(Customer).recipients([customer.pk, orphan.pk])

    first = found[str(customer.pk)]
    assert (first.name, first.address) == ("Ann Smith", "b@staff.example.com")
    assert first.variables == {"boss": "b", "key": str(customer.pk)}
    assert found[str(orphan.pk)].address == ""
    assert found[str(orphan.pk)].variables["boss"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("Delft", "Delft"),
        (dt.date(2027, 3, 10), dt.date(2027, 3, 10)),
        (7, "7"),
        (1.5, "1.5"),
        (True, "True"),
    ],
)
def test_a_value_is_a_text_or_a_date(value, text):
    assert variable_value(value) == text


@pytest.mark.parametrize(
    ("model", "object_id", "pk"),
    [
        (Customer, "42", 42),
        (Customer, "x", None),
        (Customer, "", None),
        (Member, "code 7", "code 7"),
        (
            Subscriber,
            "6f9619ff-8b86-d011-b42d-00c04fc964ff",
            uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ),
        (Subscriber, "6f9619ff", None),
    ],
)
def test_a_stored_key_is_converted_back(model, object_id, pk):
    assert source_of(model).pk_of(object_id) == pk


@pytest.mark.parametrize(
    ("path", "exists"),
    [
        ("email", True),
        ("pk", True),
        ("id", True),
        ("owner", True),
        ("owner__email", True),
        ("owner__groups__name", True),
        ("mail", False),
        ("owner__mail", False),
        ("email__domain", False),
        ("born__year", True),
        ("", False),
    ],
)
def test_a_path_leads_to_a_column_or_nowhere(path, exists):
    assert path_exists(Customer, path) is exists


def test_what_is_wrong_with_a_declaration_is_named():
    class Wrong(RecipientSource):
        address, language = "email", "tongue"
        variables = {"firm": "company__name"}

        def addressable_by(self, user):
            return Customer.objects.all()

    problems = list(Wrong(Customer).problems())

    assert [problem.partition("no path ")[2] for problem in problems] == [
        "'tongue'.",
        "'company__name'.",
    ]
    assert list(source_of(Customer).problems()) == []


def test_what_a_host_must_write_is_named():
    with pytest.raises(NotImplementedError, match=r"Minimal\.addressable_by"):
        Minimal(Customer).addressable_by(None)


def test_what_a_host_may_leave_out_does_nothing():
    source = Minimal(Customer)

    assert source.on_unsubscribe([1]) is None
    assert source.on_resubscribe([1]) is None
    assert source.filter_form is None
    assert source.exclusions == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "it returned NoneType"),
        ([], "it returned list"),
        (Customer.objects.all()[:3], "it returned a slice"),
        (Customer.objects.all().union(Customer.objects.all()), "it returned a union"),
        (Member.objects.all(), "it returned records of hostapp.member"),
    ],
)
def test_records_that_cannot_be_asked_for_are_refused_by_name(answer, words):
    class Wrong(Minimal):
        def addressable_by(self, user):
            return answer

    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        Wrong(Customer).records_for(None)
    assert "Wrong.addressable_by() must return one queryset" in str(caught.value)


def test_one_queryset_of_the_model_is_taken_as_it_is():
    records = Customer.objects.filter(city="Oslo").order_by("name").distinct()

    class Right(Minimal):
        def addressable_by(self, user):
            return records

    assert Right(Customer).records_for(None) is records
