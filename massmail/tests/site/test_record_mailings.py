"""A record tells what it was mailed, and whether and why it gets mailings no more."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassmailSettings,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.recipients.registry import source_of
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryEventFactory,
    DeliveryFactory,
    MailingOutFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tracking.by_hand import allows_tracking, person_of

pytestmark = [
    pytest.mark.urls("massmail.tests.site.urls"),
    pytest.mark.django_db(transaction=True),
]
Kind = DeliveryEvent.Kind


@pytest.fixture
def host_rights(owner, colleague):
    """All that the host gives; the right to lift opt-outs is granted apart."""
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    for user in (owner, colleague):
        user.user_permissions.add(*rights)
        user.user_permissions.remove(
            *Permission.objects.filter(codename="lift_opt_out")
        )


@pytest.fixture
def person(owner):
    return CustomerFactory(owner=owner, email="ada@example.com")


def place(person, name="mailings"):
    return f"/hostapp/{person._meta.model_name}/{person.pk}/{name}/"


@pytest.fixture
def act(browser, host_rights):
    def post(user, person, name, reason="asked on the phone"):
        response = browser(user).post(place(person, name), {"reason": reason})
        return [str(text) for text in get_messages(response.wsgi_request)]

    return post


def may_lift(user):
    user.user_permissions.add(Permission.objects.get(codename="lift_opt_out"))


def covered(person):
    return SuppressedAddress.objects.covers(person.email)


def test_it_lists_what_was_sent_and_what_came_of_it(
    browser, owner, person, host_rights
):
    mailing = MailingOutFactory(owner=owner, launched=True, name="Spring")
    row = DeliveryFactory(mailing=mailing, recipient=person, status="sent")
    DeliveryEventFactory(delivery=row, kind=Kind.OPENED, is_machine=True)
    DeliveryEventFactory(delivery=row, kind=Kind.CLICKED)
    DeliveryEventFactory(delivery=row, kind=Kind.BOUNCED)

    response = browser(owner).get(place(person))

    [mail] = response.context["mails"]
    assert (mail["mailing"], mail["status"]) == ("Spring", "sent")
    assert mail["answers"] == {"clicked": NOW, "bounced": NOW}
    assert (
        f'href="{place(person)}"'
        in browser(owner).get(place(person, "change")).content.decode()
    )


def test_mailings_of_colleagues_are_counted_and_not_named(
    browser, owner, colleague, person, host_rights
):
    secret = MailingOutFactory(owner=colleague, launched=True, name="Secret")
    DeliveryFactory(mailing=secret, recipient=person, status="sent")

    html = browser(owner).get(place(person)).content.decode()

    assert "Secret" not in html
    assert "1 mail of colleagues reached it besides." in html


def test_a_stranger_finds_no_page(browser, person):
    stranger = CustomerFactory().owner
    stranger.user_permissions.clear()

    assert browser(stranger).get(place(person)).status_code in (403, 404)
    assert browser(stranger).post(place(person, "opt-out")).status_code in (403, 404)
    assert not covered(person)


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_an_opt_out_on_the_phone_holds_everywhere(act, owner, colleague, factory):
    person = factory(owner=owner, email="Ada@Example.com")
    twin = CustomerFactory(owner=colleague, email="ada@example.com")
    old = DeliveryFactory(recipient=twin, status="sent")
    waiting = DeliveryFactory(recipient=person)

    told = act(owner, person, "opt-out", reason="said so at the fair")

    assert told == [
        "No mailing reaches this record any more. 1 that waited is left out."
    ]
    row = SuppressedAddress.objects.get()
    assert (row.reason, row.by) == ("opted_out", owner)
    assert SuppressionChange.objects.get().source == "by hand: said so at the fair"
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("skipped", "opted_out")
    for record in (person, twin):
        record.refresh_from_db()
        assert not record.accepts_mailings
    assert LogEntry.objects.get().get_change_message() == (
        "opted out: said so at the fair"
    )
    assert not DeliveryEvent.objects.filter(delivery=old).exists()


def test_a_record_without_an_address_is_opted_out_itself(act, owner):
    person = CustomerFactory(owner=owner, email="")
    other = CustomerFactory(owner=owner, email="")
    row = DeliveryFactory(recipient=CustomerFactory(owner=owner))
    Delivery.objects.update(address_key="")

    act(owner, person, "opt-out")

    person.refresh_from_db()
    other.refresh_from_db()
    row.refresh_from_db()
    assert (person.accepts_mailings, other.accepts_mailings) == (False, True)
    assert row.status == "queued"


@pytest.mark.parametrize("name", ["opt-out", "subscribe-again"])
def test_without_a_reason_nothing_is_done(browser, owner, person, host_rights, name):
    may_lift(owner)
    if name == "subscribe-again":
        SuppressedAddressFactory(address=person.email, reason="opted_out")

    response = browser(owner).post(place(person, name), {"reason": " "})

    assert response.status_code == 200
    assert "reason" in response.context["form"].errors
    assert covered(person) == (name == "subscribe-again")


@pytest.mark.parametrize("name", ["opt-out", "subscribe-again"])
def test_a_get_changes_nothing(browser, owner, person, host_rights, name):
    assert browser(owner).get(place(person, name)).status_code == 405
    assert not covered(person)


def test_who_entered_an_opt_out_takes_it_back(act, owner, person):
    act(owner, person, "opt-out")

    told = act(owner, person, "subscribe-again", reason="wrong person")

    assert told == ["Mailings reach this record again."]
    assert not covered(person)
    person.refresh_from_db()
    assert person.accepts_mailings
    lifted = SuppressionChange.objects.get(action="lifted")
    assert (lifted.by, lifted.source) == (owner, "by hand: wrong person")


def test_another_ones_entry_needs_the_right(act, owner, colleague, person):
    SuppressedAddressFactory(address=person.email, reason="opted_out", by=colleague)

    told = act(owner, person, "subscribe-again")
    assert told == ["You may not lift an opt-out that is not your own entry."]
    assert covered(person)

    may_lift(owner)
    act(owner, person, "subscribe-again")
    assert not covered(person)


def test_what_the_recipient_decided_needs_the_right(act, owner, person):
    act(owner, person, "opt-out")
    row = DeliveryFactory(recipient=person, status="sent")
    when = SuppressedAddress.objects.get().created_at
    DeliveryEventFactory(delivery=row, kind=Kind.UNSUBSCRIBED, occurred_at=when)

    act(owner, person, "subscribe-again")
    assert covered(person)

    may_lift(owner)
    act(owner, person, "subscribe-again")
    assert not covered(person)
    assert SuppressionChange.objects.filter(action="lifted", by=owner).count() == 1


def test_a_mark_without_an_address_entry_needs_the_right(act, owner, person):
    identity = MassContactFactory(recipient=person, subscribed=False)

    act(owner, person, "subscribe-again")
    identity.refresh_from_db()
    assert not identity.subscribed

    may_lift(owner)
    act(owner, person, "subscribe-again")
    identity.refresh_from_db()
    assert identity.subscribed


def test_a_complaint_is_nobodys_to_lift_here(act, owner, person):
    may_lift(owner)
    SuppressedAddressFactory(address=person.email, reason="complaint")

    act(owner, person, "subscribe-again")

    assert covered(person)


def allows(person):
    return allows_tracking(person_of(source_of(type(person)), person))


def test_a_colleague_keeps_opens_and_clicks_from_being_noted(
    browser, owner, person, act
):
    """Also before the first mailing, and for all records of the address."""
    MassmailSettings(track_opens=True).save()
    twin = CustomerFactory(email="ADA@example.com")
    DeliveryFactory(recipient=twin, status="sent")
    page = browser(owner).get(place(person)).content.decode()
    assert "opens and clicks may be noted" in page and "Do not note them" in page
    assert "can take that back" in page

    told = act(owner, person, "tracking")

    assert told == ["This person's opens and clicks are not noted."]
    assert not allows(person) and not allows(twin)
    assert LogEntry.objects.get().get_change_message() == "tracking forbidden"
    page = browser(owner).get(place(person)).content.decode()
    assert "Note them again" not in page and "Do not note them" not in page
    assert "Only the recipient, or a colleague with the right" in page


def test_an_objection_is_taken_back_by_who_may_lift_opt_outs(
    browser, owner, person, act
):
    act(owner, person, "tracking")
    refused = browser(owner).post(place(person, "tracking"), {"allow": "1"})
    assert [str(text) for text in get_messages(refused.wsgi_request)] == [
        "You may not take back what the recipient has decided."
    ]
    assert not allows(person)

    may_lift(owner)
    assert "Note them again" in browser(owner).get(place(person)).content.decode()
    browser(owner).post(place(person, "tracking"), {"allow": "1"})

    assert allows(person)
    MassmailSettings(track_opens=True).save()
    page = browser(owner).get(place(person)).content.decode()
    assert "Do not note them" in page and "can take that back" not in page


def test_where_nothing_is_noted_nothing_is_asked(browser, owner, person, host_rights):
    assert "Do not note them" not in browser(owner).get(place(person)).content.decode()
    assert browser(owner).get(place(person, "tracking")).status_code == 405


def test_who_may_not_change_the_record_may_not_change_its_tracking(
    browser, person, host_rights
):
    stranger = CustomerFactory().owner

    assert browser(stranger).post(place(person, "tracking")).status_code in (403, 404)
    assert allows(person)
