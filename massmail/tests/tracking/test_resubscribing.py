"""The way back after an opt-out: a mail to the address, and its link."""

from __future__ import annotations

import datetime as dt
import re
import threading
from contextlib import suppress

import pytest
from django.db import connection
from django.utils import timezone

from massmail import signals, tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    EmailAccount,
    MassContact,
    MassmailSettings,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.models.address import address_key
from massmail.orchestrator import confirming
from massmail.orchestrator.confirming import ask_to_confirm
from massmail.orchestrator.send import send_account_queue
from massmail.permissions import may_be_mailed_alone
from massmail.recipients.registry import source_of
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
    TargetListFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Subscriber
from massmail.tests.mailings import account_at, draft, ready_settings
from massmail.tests.smtp_server import FaultServer
from massmail.tracking.list_scope import unsubscribe_from_lists
from massmail.tracking.responses import responder, unsubscribe
from massmail.tracking.resubscribing import request_of, resubscribe, used_by

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def base_url():
    MassmailSettings(company_name="Example Ltd").save()


@pytest.fixture
def delivery() -> Delivery:
    return DeliveryFactory(status="sent", recipient__email="zoe@example.com")


def token_of(delivery: Delivery, page: str = "unsubscribe") -> str:
    return tokens.make(page, delivery_id=delivery.pk, address_key=delivery.address_key)


def leave(delivery: Delivery, now=NOW) -> None:
    unsubscribe(token_of(delivery), now=now)


def ask(delivery: Delivery, now=NOW) -> bool:
    return ask_to_confirm(responder(token_of(delivery)), now=now)


def confirmation() -> Delivery:
    return Delivery.objects.get(kind="confirmation")


def link_of(mail: Delivery) -> str:
    [url] = re.findall(r"https://\S+", mail.version.text)
    return url.rpartition("/")[2]


def test_the_mail_goes_to_the_address_through_the_account_that_mailed_it(delivery):
    leave(delivery)

    assert ask(delivery)

    mail = confirmation()
    assert (mail.address, mail.address_key) == (
        "zoe@example.com",
        delivery.address_key,
    )
    assert (mail.email_account, mail.mailing) == (delivery.email_account, None)
    assert mail.version.text.startswith("Somebody, probably you")
    assert mail.version.text.endswith("Example Ltd")
    assert "https://news.example.com/news/s/" in mail.version.text
    assert SuppressedAddress.objects.covers("zoe@example.com")


def test_asking_again_and_again_is_one_mail_an_hour_and_three_a_day(delivery):
    leave(delivery)

    asked = [ask(delivery, NOW + minutes * HOUR / 60) for minutes in range(0, 600, 20)]

    assert sum(asked) == Delivery.objects.filter(kind="confirmation").count() == 3
    assert asked[:4] == [True, False, False, True]


def test_the_mail_is_in_the_persons_language(monkeypatch):
    monkeypatch.setattr(source_of(Subscriber), "language", "city", raising=False)
    person = SubscriberFactory(email="eva@example.com", city="de-AT")
    delivery = DeliveryFactory(status="sent", recipient=person)
    leave(delivery)
    ask(delivery)

    assert confirmation().version.subject == (
        "Möchten Sie unsere Rundmails wieder bekommen?"
    )


@pytest.mark.parametrize(
    "change",
    [{"address": ""}, {"address_key": "0" * 32}, {"email_account": None}],
    ids=["erased", "changed", "no account"],
)
def test_without_the_address_or_an_account_nothing_is_sent(delivery, change):
    leave(delivery)
    token = responder(token_of(delivery))
    SuppressedAddress.objects.update(address="")
    Delivery.objects.update(**change)
    token.delivery.refresh_from_db()

    assert not ask_to_confirm(token, now=NOW)
    assert not Delivery.objects.filter(kind="confirmation").exists()


def test_another_account_of_the_owner_helps_out(delivery):
    other = EmailAccountFactory(owner=delivery.email_account.owner)
    EmailAccountFactory()
    type(other).objects.filter(pk=delivery.email_account_id).update(state="stopped")
    leave(delivery)

    assert ask(delivery)
    assert confirmation().email_account == other


def test_the_link_lifts_the_opt_out_of_the_address_and_its_records(
    delivery, django_capture_on_commit_callbacks
):
    other = SubscriberFactory(email="ZOE@example.com")
    DeliveryFactory(recipient=other, status="sent")
    heard = []
    signals.resubscribed.connect(
        receiver := lambda **facts: heard.append(facts["object_ids"])
    )
    with django_capture_on_commit_callbacks(execute=True):
        leave(delivery)
    ask(delivery)
    other.refresh_from_db()
    assert not other.accepts_mailings

    with django_capture_on_commit_callbacks(execute=True):
        assert resubscribe(link_of(confirmation()), now=NOW + HOUR)
    signals.resubscribed.disconnect(receiver)

    assert not SuppressedAddress.objects.covers("zoe@example.com")
    assert all(MassContact.objects.values_list("subscribed", flat=True))
    other.refresh_from_db()
    assert other.accepts_mailings
    assert sorted(heard) == sorted([[delivery.object_id], [str(other.pk)]])
    event = DeliveryEvent.objects.get(kind="resubscribed")
    assert event.delivery == confirmation()
    assert list(
        SuppressionChange.objects.order_by("pk").values_list("action", "reason")
    ) == [("added", "opted_out"), ("lifted", "opted_out")]


def test_a_link_works_once(delivery):
    leave(delivery)
    ask(delivery)
    text = link_of(confirmation())
    resubscribe(text, now=NOW)
    leave(delivery, now=NOW + HOUR)

    assert request_of(text, now=NOW + HOUR) is None
    assert resubscribe(text, now=NOW + HOUR) is None
    assert SuppressedAddress.objects.covers("zoe@example.com")


def test_a_used_link_tells_what_it_has_done_until_that_is_undone(delivery):
    leave(delivery)
    ask(delivery)
    text = link_of(confirmation())

    assert used_by(text, now=NOW) is None
    resubscribe(text, now=NOW)
    assert used_by(text, now=NOW).address == "zoe@example.com"
    leave(delivery, now=NOW + HOUR)
    assert used_by(text, now=NOW + HOUR) is None


def test_a_link_works_for_a_week(delivery):
    leave(delivery)
    ask(delivery)
    text = link_of(confirmation())

    assert request_of(text, now=NOW + dt.timedelta(days=6, hours=23))
    assert request_of(text, now=NOW + dt.timedelta(days=7)) is None


@pytest.mark.parametrize("page", ["unsubscribe", "click", "view"])
def test_only_a_token_of_this_page_brings_anybody_back(delivery, page):
    leave(delivery)
    ask(delivery)

    assert resubscribe(token_of(confirmation(), page), now=NOW) is None
    assert resubscribe(token_of(delivery, "resubscribe"), now=NOW) is None
    assert resubscribe("x", now=NOW) is None
    assert SuppressedAddress.objects.covers("zoe@example.com")


@pytest.mark.parametrize("reason", ["hard_bounce", "complaint", "manual"])
def test_other_reasons_stay(delivery, reason):
    leave(delivery)
    ask(delivery)
    SuppressedAddress.objects.update(reason=reason)

    resubscribe(link_of(confirmation()), now=NOW)

    assert SuppressedAddress.objects.get().reason == reason


@pytest.mark.parametrize(
    ("before", "after"),
    [("manual", ["manual"]), ("complaint", ["complaint"]), ("hard_bounce", [])],
)
def test_what_was_on_the_list_before_the_opt_out_is_on_it_again(
    delivery, before, after
):
    """Leaving and coming back is no way round what a colleague has entered."""
    entered = SuppressedAddress.objects.suppress(
        "zoe@example.com", reason=before, source="told so", by=UserFactory()
    )
    leave(delivery)
    assert ask(delivery)

    assert resubscribe(link_of(confirmation()), now=NOW)

    rows = SuppressedAddress.objects.all()
    assert [row.reason for row in rows] == after
    assert all((row.source, row.by) == ("told so", entered.by) for row in rows)


def test_what_was_lifted_before_does_not_come_back(delivery):
    SuppressedAddress.objects.suppress(
        "zoe@example.com", reason="manual", source="told so"
    )
    SuppressedAddress.objects.lift(source="a mistake")
    leave(delivery)
    ask(delivery)

    assert resubscribe(link_of(confirmation()), now=NOW)
    assert not SuppressedAddress.objects.exists()


def test_an_account_of_a_later_mail_helps_out(delivery):
    later = DeliveryFactory(
        status="sent",
        recipient=CustomerFactory(email="zoe@example.com"),
        address_key=delivery.address_key,
        email_account=EmailAccountFactory(),
    )
    EmailAccount.objects.filter(pk=delivery.email_account_id).update(state="stopped")
    leave(delivery)

    assert ask(delivery)
    assert confirmation().email_account == later.email_account


def test_an_account_that_only_a_draft_plans_to_use_does_not(delivery):
    DeliveryFactory(
        mailing=MailingOutFactory(),
        recipient=CustomerFactory(email="zoe@example.com"),
        email_account=EmailAccountFactory(),
    )
    EmailAccount.objects.filter(pk=delivery.email_account_id).update(state="stopped")
    leave(delivery)

    assert not ask(delivery)


@pytest.mark.django_db(transaction=True)
def test_two_that_ask_by_the_mails_of_two_accounts_at_once_are_one_mail(delivery):
    other = DeliveryFactory(
        status="sent",
        recipient=CustomerFactory(email="zoe@example.com"),
        email_account=EmailAccountFactory(),
    )
    leave(delivery)
    start = threading.Barrier(2)
    answers = []

    def press(mail: Delivery) -> None:
        try:
            person = responder(token_of(mail))
            start.wait(timeout=10)
            answers.append(ask_to_confirm(person, now=NOW))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=press, args=[mail]) for mail in (delivery, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(answers) == [False, True]
    assert Delivery.objects.filter(kind="confirmation").count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_for_a_list_and_for_all_mailings_at_once_is_one_mail(
    delivery, monkeypatch
):
    delivery.mailing.target_lists.add(TargetListFactory(public_name="News"))
    unsubscribe_from_lists(token_of(delivery), now=NOW)
    leave(delivery)
    look = confirming.was_asked_lately
    both_look = threading.Barrier(2)
    answers = []

    def looked(*args) -> bool:
        found = look(*args)
        # Where the other is kept waiting, it never comes here.
        with suppress(threading.BrokenBarrierError):
            both_look.wait(timeout=1)
        return found

    monkeypatch.setattr(confirming, "was_asked_lately", looked)

    def press(only_lists: bool) -> None:
        try:
            person = responder(token_of(delivery))
            answers.append(ask_to_confirm(person, now=NOW, only_lists=only_lists))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=press, args=[only_lists])
        for only_lists in (False, True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(answers) == [False, True]
    assert Delivery.objects.filter(kind="confirmation").count() == 1


def test_leaving_once_more_stops_a_confirmation_that_waits(delivery):
    leave(delivery)
    ask(delivery)
    leave(delivery)

    assert confirmation().status == "skipped"


@pytest.mark.parametrize(
    ("suppressed", "kind", "allowed"),
    [
        ({"reason": "opted_out"}, "confirmation", True),
        ({"reason": "opted_out"}, "test", False),
        ({"reason": "opted_out"}, "outbox", False),
        ({"reason": "complaint"}, "confirmation", False),
        ({"reason": "hard_bounce"}, "confirmation", False),
        ({"address": "", "domain": "example.com"}, "confirmation", False),
    ],
)
def test_only_a_confirmation_reaches_who_opted_out(suppressed, kind, allowed):
    row = Delivery.objects.create(
        kind=kind,
        address="zoe@example.com",
        address_key=address_key("zoe@example.com"),
        address_domain="example.com",
        email_account=EmailAccountFactory(),
        queued_at=NOW,
        not_before=NOW,
    )
    SuppressedAddressFactory(**{"address": "zoe@example.com"} | suppressed)

    found = Delivery.objects.filter(may_be_mailed_alone(NOW), pk=row.pk)

    assert found.exists() == allowed


def test_the_confirmation_leaves_and_is_no_list_mail():
    ready_settings()
    with FaultServer() as server:
        mailing = draft(customers=1)
        account = account_at(server, mailing.owner)
        row = mailing.deliveries.get()
        Delivery.objects.filter(pk=row.pk).update(status="sent", email_account=account)
        row.refresh_from_db()
        leave(row)
        ask(row, now=timezone.now())
        send_account_queue(account.pk)
        [mail] = server.accepted

    assert confirmation().status == "sent"
    assert b"List-Unsubscribe" not in mail.content
    assert b"/news/s/" in mail.content.replace(b"=\r\n", b"")
