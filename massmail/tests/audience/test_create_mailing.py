"""Every record that was chosen has one row, with a reason where it is not mailed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model

from massmail.audience.snapshot import create_mailing
from massmail.exceptions import NotAllowed
from massmail.models import Delivery, MailingOut, MassContact, SuppressedAddress
from massmail.models.address import address_key
from massmail.tests.factories import (
    CustomerFactory,
    EmlMessageFactory,
    GroupFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tests.hostapp.models import Customer, Member, Subscriber


def mail_all(owner, message, model=Customer):
    return create_mailing(owner=owner, message=message, recipients=model.objects.all())


def only_row(mailing):
    return Delivery.objects.get(mailing=mailing)


@pytest.mark.parametrize(
    "factory", [CustomerFactory, SubscriberFactory, MemberFactory], ids=str
)
def test_keys_of_every_type_become_rows_and_identities(anna, message, factory):
    people = [factory(owner=anna) for _ in range(3)]

    mailing = mail_all(anna, message, type(people[0]))

    rows = {row.object_id: row for row in mailing.deliveries.all()}
    assert set(rows) == {str(person.pk) for person in people}
    for person in people:
        row = rows[str(person.pk)]
        assert (row.status, row.reason) == ("queued", "")
        assert (row.address, row.name) == (person.email, person.name)
        assert row.address_key == address_key(person.email)
        assert row.address_domain == "example.com"
        assert row.mass_contact.content_object == person
        assert row.email_account is None
        assert row.version is None


def test_a_mailing_begins_as_a_prepared_draft(anna, message):
    message.department = GroupFactory()
    CustomerFactory(owner=anna)

    mailing = mail_all(anna, message)

    assert mailing.is_draft
    assert mailing.status == MailingOut.Status.PAUSED
    assert mailing.name == "Spring news"
    assert (mailing.owner, mailing.message) == (anna, message)
    assert mailing.department == message.department
    assert mailing.content_type.model_class() is Customer
    assert mailing.recipients_count == 1
    assert mailing.prepared_at is not None
    assert mailing.launched_at is None


def test_a_mailing_can_have_a_name_of_its_own(anna, message):
    mailing = create_mailing(
        owner=anna, message=message, recipients=Customer.objects.all(), name="May"
    )

    assert mailing.name == "May"


def test_nobody_chosen_makes_an_empty_draft(anna, message):
    mailing = create_mailing(
        owner=anna, message=message, recipients=Customer.objects.none()
    )

    assert mailing.recipients_count == 0
    assert mailing.prepared_at is not None
    assert not mailing.deliveries.exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"email": ""}, "no_address"),
        ({"email": "  "}, "no_address"),
        ({"email": "anna at example.com"}, "invalid_address"),
        ({"email": "anna@"}, "invalid_address"),
        ({"email": "anna@localhost"}, "invalid_address"),
        ({"accepts_mailings": False}, "opted_out"),
        ({"disqualified": True}, "disqualified"),
        ({"born": dt.date(2016, 1, 1)}, "excluded"),
        ({"owner": None}, "not_assigned"),
    ],
)
@pytest.mark.parametrize(
    "factory", [CustomerFactory, SubscriberFactory, MemberFactory], ids=str
)
def test_each_reason_not_to_mail_a_record(anna, message, factory, fields, reason):
    person = factory(**{"owner": anna, **fields})

    mailing = mail_all(anna, message, type(person))

    row = only_row(mailing)
    assert (row.status, row.reason) == ("skipped", reason)
    assert mailing.recipients_count == 1


def test_a_broken_address_is_kept_as_it_was_written(anna, message):
    CustomerFactory(owner=anna, email="anna at example.com")

    row = only_row(mail_all(anna, message))

    assert (row.address, row.address_key) == ("anna at example.com", "")


def test_a_colleagues_record_is_not_assigned(anna, boris, message):
    CustomerFactory(owner=boris)

    assert only_row(mail_all(anna, message)).reason == "not_assigned"


def test_an_address_that_opted_out_reads_opted_out(anna, message):
    CustomerFactory(owner=anna, email="Gone@example.com")
    SuppressedAddress.objects.suppress(
        "gone@Example.com", reason="opted_out", source="test"
    )

    assert only_row(mail_all(anna, message)).reason == "opted_out"


@pytest.mark.parametrize("reason", ["hard_bounce", "complaint", "manual"])
def test_any_other_suppression_reads_suppressed(anna, message, reason):
    CustomerFactory(owner=anna, email="gone@example.com")
    SuppressedAddressFactory(address="gone@example.com", reason=reason)

    assert only_row(mail_all(anna, message)).reason == "suppressed"


def test_an_erased_address_is_recognised_by_its_key(anna, message):
    CustomerFactory(owner=anna, email="gone@example.com")
    SuppressedAddress.objects.suppress_key(
        address_key("gone@example.com"), reason="opted_out", source="test"
    )

    assert only_row(mail_all(anna, message)).reason == "opted_out"


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("x@example.com", "skipped"),
        ("x@EXAMPLE.com", "skipped"),
        ("x@mail.example.com", "skipped"),
        ("x@notexample.com", "queued"),
        ("x@example.com.example.org", "queued"),
        ("example.com@example.org", "queued"),
    ],
)
def test_a_suppressed_domain_covers_what_is_below_it(anna, message, address, state):
    CustomerFactory(owner=anna, email=address)
    SuppressedAddressFactory(address="", domain="example.com")

    row = only_row(mail_all(anna, message))

    assert row.status == state
    assert row.reason == ("suppressed" if state == "skipped" else "")
    assert SuppressedAddress.objects.covers(address) == (state == "skipped")


def test_a_person_who_unsubscribed_is_not_mailed_at_a_new_address(anna, message):
    customer = CustomerFactory(owner=anna, email="new@example.com")
    MassContactFactory(recipient=customer, subscribed=False)

    assert only_row(mail_all(anna, message)).reason == "opted_out"


def test_consent_weighs_more_than_what_the_host_says(anna, message):
    CustomerFactory(owner=None, disqualified=True, email="gone@example.com")
    SuppressedAddress.objects.suppress(
        "gone@example.com", reason="opted_out", source="test"
    )

    assert only_row(mail_all(anna, message)).reason == "opted_out"


def test_identities_of_equal_keys_are_told_apart_by_type(anna, message):
    customer = CustomerFactory(owner=anna)
    member = MemberFactory(owner=anna, code=str(customer.pk))
    MassContactFactory(recipient=member, subscribed=False)

    assert only_row(mail_all(anna, message)).status == "queued"
    assert only_row(mail_all(anna, message, Member)).reason == "opted_out"


def test_an_identity_is_kept_from_one_mailing_to_the_next(anna, message):
    CustomerFactory(owner=anna)

    first, second = (only_row(mail_all(anna, message)) for _ in range(2))

    assert first.mass_contact == second.mass_contact
    assert MassContact.objects.count() == 1


def test_names_come_on_one_line_and_are_cut_to_size(anna, message):
    CustomerFactory(owner=anna, name="Ann\r\nBcc: x\x07 \u2028 Смит")
    CustomerFactory(owner=anna, name="й" * 300)

    first, second = mail_all(anna, message).deliveries.order_by("pk")

    assert first.name == "Ann Bcc: x Смит"
    assert second.name == "й" * 300


def test_a_line_break_in_an_address_makes_no_second_one(anna, message):
    CustomerFactory(owner=anna, email="a@example.com\r\nb@example.com")

    assert only_row(mail_all(anna, message)).reason == "invalid_address"


def test_another_managers_message_is_refused(anna, boris):
    CustomerFactory(owner=anna)

    with pytest.raises(NotAllowed):
        mail_all(anna, EmlMessageFactory(owner=boris))

    assert not MailingOut.objects.exists()
    assert not MassContact.objects.exists()


def test_a_model_without_a_source_is_refused(anna, message):
    with pytest.raises(LookupError, match=r"auth\.user offers no recipients"):
        mail_all(anna, message, get_user_model())

    assert not MailingOut.objects.exists()


def test_subscribers_are_counted_by_reason(anna, message):
    SubscriberFactory.create_batch(2, owner=anna)
    SubscriberFactory(owner=anna, email="")
    SubscriberFactory(owner=anna, disqualified=True)

    mailing = mail_all(anna, message, Subscriber)

    assert mailing.counts()["queued"] == 2
    assert mailing.skip_counts() == {"no_address": 1, "disqualified": 1}
    assert sum(mailing.counts().values()) == mailing.recipients_count == 4
