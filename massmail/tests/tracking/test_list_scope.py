"""Leaving the lists of a mailing, staying in all others, and coming back to them."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from massmail import signals, tokens
from massmail.audience.snapshot import create_mailing
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassContact,
    MassmailSettings,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.models.erasure import erase
from massmail.orchestrator.confirming import ask_to_confirm
from massmail.permissions import skip_reason
from massmail.reports.responses import responses_of
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    MailingOutFactory,
    TargetListFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tracking.list_scope import (
    has_left,
    left_by,
    lift_opt_outs,
    lists_of,
    unsubscribe_from_lists,
)
from massmail.tracking.responses import responder, unsubscribe
from massmail.tracking.resubscribing import request_of, resubscribe

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
ZOE = "zoe@example.com"


@pytest.fixture(autouse=True)
def base_url():
    MassmailSettings(company_name="Example Ltd").save()


@pytest.fixture
def news():
    return TargetListFactory(name="hot leads", public_name="Monthly news")


@pytest.fixture
def delivery(news) -> Delivery:
    row = DeliveryFactory(status="sent", recipient__email=ZOE)
    row.mailing.target_lists.add(news)
    return row


def another(delivery: Delivery, *lists, **fields) -> Delivery:
    """A row for the same person in another mailing of these lists."""
    mailing = MailingOutFactory(launched=True, owner=delivery.mailing.owner)
    mailing.target_lists.set(lists)
    if "recipient" not in fields:
        fields["recipient__email"] = ZOE
    return DeliveryFactory(mailing=mailing, **fields)


def token_of(delivery: Delivery) -> str:
    return tokens.make(
        "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
    )


def leave(delivery: Delivery, now=NOW, detail="") -> bool:
    return unsubscribe_from_lists(token_of(delivery), now=now, detail=detail)[1]


def ask(delivery: Delivery, now=NOW, *, only_lists=True) -> bool:
    person = responder(token_of(delivery))
    return ask_to_confirm(person, now=now, only_lists=only_lists)


def confirmed_path() -> str:
    mail = Delivery.objects.filter(kind="confirmation").latest("pk")
    [path] = re.findall(r"https://\S+?/news/s/(\S+)", mail.version.text)
    return path


def test_only_the_list_is_left(delivery, news):
    heard = []
    signals.unsubscribed.connect(receiver := lambda **facts: heard.append(facts))

    assert leave(delivery)
    signals.unsubscribed.disconnect(receiver)

    row = SuppressedAddress.objects.get()
    assert (row.address, row.target_list, row.reason) == (ZOE, news, "opted_out")
    assert not SuppressedAddress.objects.covers(ZOE)
    assert not MassContact.objects.exists()
    assert not heard
    change = SuppressionChange.objects.get()
    assert (change.action, change.target_list) == ("added", news)


def test_it_is_kept_with_the_reason_until_the_person_is_erased(delivery):
    leave(delivery, detail="too_many: Two a day")
    leave(delivery)

    event = DeliveryEvent.objects.get()
    assert (event.kind, event.detail) == ("left_list", "too_many: Two a day")
    erase(delivery.address_key, source="letter")
    event.refresh_from_db()
    assert event.detail == "too_many"
    assert not SuppressedAddress.objects.exclude(address="").exists()
    SuppressedAddress.objects.for_all().delete()
    assert SuppressedAddress.objects.count() == 1
    assert responses_of(delivery.mailing).unsubscribed == 1


def test_leaving_the_list_and_then_everything_is_one_person_who_left(delivery):
    leave(delivery)
    unsubscribe(token_of(delivery), now=NOW)

    assert responses_of(delivery.mailing).unsubscribed == 1
    assert SuppressedAddress.objects.covers(ZOE)
    assert SuppressedAddress.objects.count() == 2


def test_what_waits_in_mailings_of_the_list_is_skipped_at_once(delivery, news):
    of_list = another(delivery, news)
    of_both = another(delivery, news, TargetListFactory())
    of_other = another(delivery, TargetListFactory())
    of_none = another(delivery)

    leave(delivery)

    for row, status, reason in [
        (of_list, "skipped", "opted_out"),
        (of_both, "skipped", "opted_out"),
        (of_other, "queued", ""),
        (of_none, "queued", ""),
    ]:
        row.refresh_from_db()
        assert (row.status, row.reason) == (status, reason)


def moved(record) -> Customer:
    """The person has another address now."""
    record.email = "zoe@example.org"
    record.save()
    return record


def mailed_again(delivery: Delivery, *lists) -> Delivery:
    mailing = create_mailing(
        owner=delivery.mailing.owner,
        message=delivery.mailing.message,
        recipients=Customer.objects.filter(pk=delivery.object_id),
        target_lists=lists,
    )
    return mailing.deliveries.get()


def test_a_person_with_another_address_stays_away_from_the_list(delivery, news):
    leave(delivery)
    moved(Customer.objects.get(pk=delivery.object_id))

    content_type, object_id = delivery.content_type, delivery.object_id
    assert left_by("", content_type=content_type, object_id=object_id) == [news]
    row = mailed_again(delivery, news)
    assert (row.status, row.reason) == ("skipped", "opted_out")
    assert row.address == "zoe@example.org"
    assert mailed_again(delivery, TargetListFactory()).status == "queued"
    assert mailed_again(delivery).status == "queued"


def test_who_has_come_back_gets_the_list_at_another_address_too(delivery, news):
    leave(delivery)
    moved(Customer.objects.get(pk=delivery.object_id))

    lift_opt_outs(delivery.address_key, [news], source="confirmation mail")

    assert mailed_again(delivery, news).status == "queued"


def test_another_record_at_the_new_address_is_somebody_else(delivery, news):
    leave(delivery)
    colleague = CustomerFactory(owner=delivery.mailing.owner, email="zoe@example.org")
    row = another(delivery, news, recipient=colleague, status="claimed")

    assert skip_reason(row.mailing, row.pk) == ""


def test_a_row_that_waits_for_the_new_address_is_found_before_its_hand_over(
    delivery, news
):
    record = moved(Customer.objects.get(pk=delivery.object_id))
    row = another(delivery, news, recipient=record, status="claimed")
    assert skip_reason(row.mailing, row.pk) == ""

    leave(delivery)

    assert skip_reason(row.mailing, row.pk) == "opted_out"


def test_an_uncertain_mail_has_arrived(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(status="uncertain")

    leave(delivery)

    delivery.refresh_from_db()
    assert delivery.status == "sent"


@pytest.mark.parametrize("fields", [{"public_name": ""}, {"retired_at": NOW}])
def test_without_a_list_to_leave_everything_is_left(delivery, news, fields):
    type(news).objects.update(**fields)

    assert lists_of(delivery) == []
    assert not leave(delivery)

    assert SuppressedAddress.objects.covers(ZOE)
    assert SuppressedAddress.objects.get().target_list is None


def test_without_the_row_everything_is_left(delivery):
    token = tokens.make("unsubscribe", delivery_id=0, address_key=delivery.address_key)

    _person, is_some = unsubscribe_from_lists(token, now=NOW)

    assert not is_some
    assert SuppressedAddress.objects.covers(ZOE)


def test_of_several_lists_all_are_left(delivery, news):
    other = TargetListFactory(public_name="Events")
    hidden = TargetListFactory(public_name="")
    delivery.mailing.target_lists.add(other, hidden)
    person = responder(token_of(delivery))
    SuppressedAddress.objects.suppress(
        ZOE, reason="opted_out", source="x", target_list=other
    )
    assert not has_left(person, lists_of(delivery))

    leave(delivery)

    assert has_left(person, lists_of(delivery))
    left = set(SuppressedAddress.objects.values_list("target_list", flat=True))
    assert left == {news.pk, other.pk}


def test_the_confirmation_mail_tells_the_list_and_reaches_the_person(delivery):
    leave(delivery)

    assert ask(delivery)

    mail = Delivery.objects.get(kind="confirmation")
    assert "It is only about “Monthly news”." in mail.version.text
    assert "hot leads" not in mail.version.text
    url = re.search(r"https://\S+", mail.version.text)[0]
    assert len(url) <= 200
    assert SuppressedAddress.objects.exists()


def test_the_link_lifts_the_opt_out_from_the_list_alone(delivery, news):
    other = TargetListFactory()
    for target_list in (None, other):
        SuppressedAddress.objects.suppress(
            ZOE, reason="opted_out", source="x", target_list=target_list
        )
    leave(delivery)
    ask(delivery)
    path = confirmed_path()
    assert request_of(path, now=NOW + HOUR).lists == [news]

    assert resubscribe(path, now=NOW + HOUR)

    left = set(SuppressedAddress.objects.values_list("target_list", flat=True))
    assert left == {None, other.pk}
    lifted = SuppressionChange.objects.get(action="lifted")
    assert lifted.target_list == news
    assert resubscribe(path, now=NOW + HOUR) is None


def test_coming_back_to_all_leaves_the_list_left(delivery, news):
    leave(delivery)
    unsubscribe(token_of(delivery), now=NOW)
    ask(delivery, only_lists=False)

    assert resubscribe(confirmed_path(), now=NOW + HOUR)

    assert not SuppressedAddress.objects.covers(ZOE)
    assert SuppressedAddress.objects.get().target_list == news


def test_no_part_of_the_link_opens_more_than_the_whole(delivery):
    leave(delivery)
    unsubscribe(token_of(delivery), now=NOW)
    ask(delivery)
    of_confirmation, _slash, of_mail = confirmed_path().partition("/")

    for text in (of_confirmation, of_mail, f"{of_mail}/{of_confirmation}", "x/y"):
        assert request_of(text, now=NOW) is None
        assert resubscribe(text, now=NOW) is None

    assert SuppressedAddress.objects.count() == 2


def test_a_link_about_a_list_that_is_gone_does_nothing(delivery, news):
    leave(delivery)
    ask(delivery)
    news.discard()

    assert resubscribe(confirmed_path(), now=NOW) is None
    assert SuppressedAddress.objects.get().target_list == news
