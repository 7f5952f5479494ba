"""One address gets a mailing at most once, however many records share it."""

from __future__ import annotations

import pytest

from massmail.audience.snapshot import create_mailing
from massmail.tests.factories import CustomerFactory, SuppressedAddressFactory
from massmail.tests.hostapp.models import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def outcome(anna, message):
    """Creates a mailing to all; returns {name: status or reason}."""

    def create(**kwargs):
        mailing = create_mailing(
            owner=anna, message=message, recipients=Customer.objects.all(), **kwargs
        )
        assert sum(mailing.counts().values()) == mailing.recipients_count
        return {row.name: row.reason or row.status for row in mailing.deliveries.all()}

    return create


def share(owner, *names, email="shared@example.com", **fields):
    return [
        CustomerFactory(owner=owner, name=name, email=email, **fields) for name in names
    ]


def test_the_first_of_a_shared_address_stays(anna, outcome):
    share(anna, "a", "b", "c")

    assert outcome() == {"a": "queued", "b": "duplicate", "c": "duplicate"}


@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunks_make_no_difference(anna, outcome, chunks_of, size):
    share(anna, "a", "b", "c")
    chunks_of(size)

    assert outcome() == {"a": "queued", "b": "duplicate", "c": "duplicate"}


@pytest.mark.parametrize("size", [1, 10])
def test_when_the_first_is_excluded_the_next_one_is_mailed(
    anna, outcome, chunks_of, size
):
    share(anna, "a", disqualified=True)
    share(anna, "b", "c")
    chunks_of(size)

    assert outcome() == {"a": "disqualified", "b": "queued", "c": "duplicate"}


def test_first_is_the_older_record_wherever_the_database_keeps_it(anna, outcome):
    first, *_others = share(anna, "a", "b", "c")
    first.city = "Delft"
    first.save()

    assert outcome() == {"a": "queued", "b": "duplicate", "c": "duplicate"}


def test_excluded_records_are_no_duplicates(anna, outcome):
    share(anna, "a", "b", disqualified=True)

    assert outcome() == {"a": "disqualified", "b": "disqualified"}


def test_records_without_address_are_no_duplicates(anna, outcome):
    share(anna, "a", "b", email="")
    share(anna, "c", "d", email="broken")

    assert outcome() == {
        "a": "no_address",
        "b": "no_address",
        "c": "invalid_address",
        "d": "invalid_address",
    }


@pytest.mark.parametrize(
    "other",
    [
        "SHARED@example.com",
        "shared@EXAMPLE.COM",
        "shared@example.com.",
        " shared@example.com ",
        "shared@ｅｘａｍｐｌｅ.com",
    ],
)
def test_two_spellings_are_one_address(anna, outcome, other):
    share(anna, "a")
    share(anna, "b", email=other)

    assert outcome() == {"a": "queued", "b": "duplicate"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@faß.de", "x@fass.de"),
        ("x@βόλος.com", "x@βόλοσ.com"),
        ("x.y@example.com", "xy@example.com"),
        ("x+news@example.com", "x@example.com"),
    ],
)
def test_different_mailboxes_stay_different(anna, outcome, one, other):
    share(anna, "a", email=one)
    share(anna, "b", email=other)

    assert outcome() == {"a": "queued", "b": "queued"}


def test_the_unicode_and_the_ascii_form_of_a_domain_are_one(anna, outcome):
    share(anna, "a", email="x@bücher.de")
    share(anna, "b", email="x@xn--bcher-kva.de")

    assert outcome() == {"a": "queued", "b": "duplicate"}


def test_a_suppressed_shared_address_is_suppressed_for_all(anna, outcome):
    share(anna, "a", "b")
    SuppressedAddressFactory(address="shared@example.com")

    assert outcome() == {"a": "suppressed", "b": "suppressed"}


def test_a_second_mailing_begins_anew(anna, outcome):
    share(anna, "a", "b")
    outcome()

    assert outcome(name="second") == {"a": "queued", "b": "duplicate"}
