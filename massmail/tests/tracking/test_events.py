"""From requests to judged events: each once, with consent, and never lost."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command

from massmail import tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassmailSettings,
    TrackedLink,
    TrackingHit,
)
from massmail.tests.factories import NOW, DeliveryFactory, MassContactFactory
from massmail.tracking import events
from massmail.tracking.events import judge_all, process_hits
from massmail.tracking.hits import note

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LATER = NOW + dt.timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tracking():
    MassmailSettings(track_opens=True, track_clicks=True).save()


@pytest.fixture
def delivery() -> Delivery:
    return DeliveryFactory(status="sent", sent_at=NOW)


@pytest.fixture
def link(delivery) -> TrackedLink:
    return TrackedLink.objects.create(
        version=delivery.version, position=0, url="https://example.com/"
    )


def hit(delivery, page="open", *, now=LATER, link_id=None, **fields) -> bool:
    token = tokens.make(page, delivery_id=delivery.pk, address_key=delivery.address_key)
    facts = {"method": "GET", "user_agent": FIREFOX} | fields
    return note(page, token, now=now, link_id=link_id, **facts)


def process(now=LATER) -> int:
    return process_hits(now=now, seconds=60)


def test_a_click_becomes_one_event(delivery, link):
    hit(delivery, "click", link_id=link.pk)
    assert DeliveryEvent.objects.count() == 0

    assert process() == 1
    assert process() == 0

    event = DeliveryEvent.objects.get()
    assert (event.delivery, event.kind, event.link) == (delivery, "clicked", link)
    assert (event.occurred_at, event.method, event.user_agent) == (
        LATER,
        "GET",
        FIREFOX,
    )
    assert not event.is_machine
    assert TrackingHit.objects.count() == 0


@pytest.mark.parametrize(
    ("page", "made_for"),
    [("open", "click"), ("click", "open"), ("open", "unsubscribe"), ("click", "view")],
)
def test_a_token_of_another_page_is_not_noted(delivery, page, made_for):
    token = tokens.make(
        made_for, delivery_id=delivery.pk, address_key=delivery.address_key
    )

    assert not note(page, token, method="GET", user_agent=FIREFOX, now=LATER)
    assert TrackingHit.objects.count() == 0


def test_machines_are_kept_apart(delivery, link):
    hit(delivery, method="HEAD")
    hit(delivery, "click", link_id=link.pk)
    process()

    assert list(
        DeliveryEvent.objects.order_by("pk").values_list("is_machine", "detail")
    ) == [(True, "head"), (False, "")]
    assert [event.kind for event in DeliveryEvent.objects.by_people()] == ["clicked"]


def test_later_requests_tell_what_an_earlier_one_was(delivery):
    links = TrackedLink.objects.bulk_create(
        TrackedLink(version=delivery.version, position=number, url="https://x.example")
        for number in range(3)
    )
    hit(delivery, "click", link_id=links[0].pk)
    process()
    assert not DeliveryEvent.objects.get().is_machine

    for link in links[1:]:
        hit(delivery, "click", link_id=link.pk)
    process()

    assert set(DeliveryEvent.objects.values_list("is_machine", "detail")) == {
        (True, "many_links")
    }


def test_all_is_judged_anew_when_the_rules_change(delivery, monkeypatch):
    hit(delivery, now=NOW + dt.timedelta(seconds=20))
    process()
    assert not DeliveryEvent.objects.get().is_machine

    monkeypatch.setattr("massmail.tracking.machines.SCAN_SECONDS", 60)

    out = StringIO()
    call_command("judge_events", stdout=out)
    assert out.getvalue() == "1 events were judged differently.\n"
    assert judge_all() == 0
    assert DeliveryEvent.objects.get().detail == "at_once"


@pytest.mark.parametrize("machine", [True, False])
def test_any_event_proves_that_the_mail_has_arrived(machine):
    delivery = DeliveryFactory(
        status="uncertain",
        sending_at=NOW,
        mailing__status=MailingOut.Status.NEEDS_PERSON,
    )
    hit(delivery, method="HEAD" if machine else "GET")
    process()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_at) == ("sent", NOW)


def test_what_became_uncertain_later_is_proved_by_what_came_earlier():
    delivery = DeliveryFactory(status="sending", sending_at=NOW)
    hit(delivery)
    process()
    Delivery.objects.filter(pk=delivery.pk).update(
        status="uncertain", claim_token=None, lease_until=None
    )

    process()

    delivery.refresh_from_db()
    assert delivery.status == "sent"


def test_an_open_before_the_last_hand_over_proves_nothing_of_it():
    delivery = DeliveryFactory(status="uncertain", sending_at=LATER)
    DeliveryEvent.objects.create(
        delivery=delivery, kind="opened", occurred_at=NOW, source_key="x"
    )

    process()

    delivery.refresh_from_db()
    assert delivery.status == "uncertain"


@pytest.mark.parametrize("setting", ["track_opens", "track_clicks"])
def test_what_the_settings_do_not_want_is_forgotten(delivery, link, setting):
    MassmailSettings.objects.update(**{setting: False})
    hit(delivery)
    hit(delivery, "click", link_id=link.pk)

    assert process() == 2

    kept = DeliveryEvent.objects.get().kind
    assert kept == ("clicked" if setting == "track_opens" else "opened")
    assert TrackingHit.objects.count() == 0


def test_a_person_who_took_the_consent_back_is_not_noted_but_proves_the_delivery():
    # Its identity is younger than the mail.
    delivery = DeliveryFactory(status="uncertain", sending_at=NOW, mass_contact=None)
    MassContactFactory(
        content_type=delivery.content_type,
        object_id=delivery.object_id,
        allows_tracking=False,
    )
    hit(delivery)
    process()

    delivery.refresh_from_db()
    assert delivery.status == "sent"
    assert not DeliveryEvent.objects.tracked().exists()


def test_an_objection_holds_for_the_address_in_another_record(delivery):
    other = DeliveryFactory(status="sent", address_key=delivery.address_key)
    MassContactFactory(
        content_type=other.content_type,
        object_id=other.object_id,
        allows_tracking=False,
    )
    hit(delivery)

    assert process() == 1
    assert not DeliveryEvent.objects.tracked().exists()


def test_a_delivery_or_a_link_that_is_gone_stops_nothing(delivery, link):
    hit(delivery, "click", link_id=link.pk + 1)
    hit(Delivery(pk=delivery.pk + 1, address_key=delivery.address_key))
    hit(delivery)

    assert process() == 3
    assert list(DeliveryEvent.objects.order_by("pk").values_list("kind", "link")) == [
        ("clicked", None),
        ("opened", None),
    ]


def test_a_link_of_another_message_is_no_click_of_this_one(delivery, link):
    other = DeliveryFactory(status="sent", sent_at=NOW)
    assert other.version_id != delivery.version_id

    hit(other, "click", link_id=link.pk)
    process()

    assert not DeliveryEvent.objects.exists()
    assert not TrackingHit.objects.exists()


def test_a_flood_of_one_recipient_is_bounded(delivery, monkeypatch):
    monkeypatch.setattr(events, "MOST_EVENTS", 5)
    for _again in range(4):
        hit(delivery)
    process()
    for _again in range(4):
        hit(delivery)

    assert process() == 4
    assert DeliveryEvent.objects.count() == 5


def test_a_kill_in_the_middle_loses_none_and_doubles_none(delivery, monkeypatch):
    hit(delivery)
    hit(delivery)

    class Killed(BaseException):
        pass

    def kill(_rows):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(events, "judge", kill)
        with pytest.raises(Killed):
            process()
    assert TrackingHit.objects.count() == 2
    assert DeliveryEvent.objects.count() == 0

    process()
    assert DeliveryEvent.objects.count() == 2


def test_a_long_name_of_a_program_and_a_nul_are_cut(delivery):
    hit(delivery, user_agent="a\0" + "b" * 1000)
    process()

    assert DeliveryEvent.objects.get().user_agent == "a" + "b" * 299


def test_many_are_done_in_few_queries(delivery, django_assert_max_num_queries):
    TrackingHit.objects.bulk_create(
        TrackingHit(
            delivery_id=delivery.pk,
            kind="opened",
            occurred_at=LATER + dt.timedelta(minutes=number),
            method="GET",
            user_agent=FIREFOX,
        )
        for number in range(300)
    )

    with django_assert_max_num_queries(20):
        assert process() == 300
    assert DeliveryEvent.objects.by_people().count() == 300
