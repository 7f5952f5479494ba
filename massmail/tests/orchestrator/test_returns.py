"""What comes back by mail, from its bytes to the rows."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError

from massmail import signals
from massmail.inbound.kinds import ReturnKind
from massmail.models import (
    Alert,
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassContact,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.models.bounce import Bounce
from massmail.models.erasure import erase
from massmail.orchestrator import returns
from massmail.orchestrator.returns import receive
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SendAttemptFactory,
    SuppressedAddressFactory,
    UserFactory,
)
from massmail.tests.inbound.returned import (
    ADDRESS,
    MESSAGE_ID,
    come_back,
    sample,
    sent_mail,
)
from massmail.tests.mailings import ready_settings
from massmail.tracking.events import prove_late

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
SOFT = "sendmail_mailbox_full"
HARD = "postfix_unknown_user"


def listed():
    return list(SuppressedAddress.objects.values_list("address", "reason"))


def kinds(delivery):
    return sorted(delivery.events.values_list("kind", flat=True))


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"Subject: hello\n\nworld"])
def test_what_is_about_no_mail_of_ours_is_unknown(raw):
    returned = receive(raw, now=NOW)

    assert returned.kind == ReturnKind.UNKNOWN
    assert returned.delivery_ids == ()
    assert not returned.is_news


def test_an_event_says_why_and_when():
    delivery = sent_mail()

    receive(sample(HARD, delivery), now=NOW + SECOND)

    [event] = delivery.events.all()
    assert event.occurred_at == NOW + SECOND
    assert Bounce.of(event.detail) == Bounce(
        "hard",
        "unknown_address",
        "550 5.1.1 <zoe@example.org>: Recipient address rejected: User unknown in "
        "virtual mailbox table",
    )
    [change] = SuppressionChange.objects.all()
    assert change.source.startswith("bounce: 550 5.1.1 <zoe@example.org>")


def test_a_bounce_of_somebody_elses_address_takes_nobody_off():
    """A forged report, or one of the mailbox to which ours forwards."""
    delivery = sent_mail()
    raw = sample(HARD, delivery).replace(ADDRESS.encode(), b"victim@example.org")
    raw = raw.replace(b"To: Zoe Reader <victim@", b"To: Zoe Reader <zoe@")

    receive(raw, now=NOW)

    [event] = delivery.events.all()
    assert Bounce.of(event.detail)[:2] == ("forwarded", "unknown_address")
    assert listed() == []


def test_a_bounce_that_names_nobody_takes_nobody_off():
    delivery = sent_mail()
    raw = sample(HARD, delivery).replace(b"Recipient: rfc822", b"Recipient: unknown")
    raw = raw.replace(b"zoe@example.org", b"zoe at example.org")

    receive(raw, now=NOW)

    [event] = delivery.events.all()
    assert Bounce.of(event.detail)[:2] == ("other", "unknown_address")
    assert listed() == []


def test_an_address_alone_is_no_proof():
    """Anybody can write a report about anybody, and knows no Message-ID of ours."""
    delivery = sent_mail()
    raw = sample(HARD, delivery).replace(MESSAGE_ID.encode(), b"<guess@example.com>")
    raw = raw.replace(b"List-Unsubscribe: ", b"X-Nothing: ")

    returned = receive(raw, now=NOW)

    assert returned.kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []
    assert listed() == []


def test_a_message_id_may_come_back_changed():
    delivery = sent_mail()
    changed = f"Message-ID:\n\t< {MESSAGE_ID[1:-1].upper()} >"
    raw = sample(HARD, delivery).replace(
        f"Message-ID: {MESSAGE_ID}".encode(), changed.encode()
    )

    returned = receive(raw.replace(b"List-Unsubscribe: ", b"X-Nothing: "), now=NOW)

    assert returned.delivery_ids == (delivery.pk,)


def test_a_report_about_another_mail_of_the_thread_is_not_about_ours():
    """The manager wrote on, in person, and that mail came back."""
    delivery = sent_mail()
    raw = sample("exchange_online", delivery)
    raw = raw.replace(
        f"Message-ID: {MESSAGE_ID}".encode(), b"Message-ID: <x@y.example>"
    )

    returned = receive(raw.replace(b"List-Unsubscribe: ", b"X-Nothing: "), now=NOW)

    assert returned.kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []


def test_the_token_names_a_mail_whose_message_id_was_replaced():
    delivery = sent_mail()
    raw = sample(HARD, delivery).replace(MESSAGE_ID.encode(), b"<gateway@example.net>")

    assert receive(raw, now=NOW).delivery_ids == (delivery.pk,)


def test_an_opt_out_stays_one():
    delivery = sent_mail()
    SuppressedAddress.objects.suppress(ADDRESS, reason="opted_out", source="link")

    come_back(HARD, delivery)
    come_back("arf_abuse", delivery)

    assert listed() == [(ADDRESS, "opted_out")]


def test_what_was_lifted_is_not_put_back_by_the_same_mail():
    delivery = sent_mail()
    for name in (HARD, "arf_abuse"):
        come_back(name, delivery)
        SuppressedAddress.objects.all().lift(source="the address is mended")

        assert not come_back(name, delivery).is_news
        assert listed() == []


def test_failing_again_and_again_puts_an_address_on_the_list():
    ready_settings(soft_bounce_count=2, soft_bounce_days=30)
    customer = CustomerFactory(email=ADDRESS)
    first = sent_mail(recipient=customer)
    second = sent_mail(
        recipient=customer,
        message_id="<second@example.com>",
        result_at=NOW + SECOND,
    )
    come_back(SOFT, first)
    assert listed() == []
    raw = sample(SOFT, second).replace(MESSAGE_ID.encode(), b"<second@example.com>")

    receive(raw, now=NOW + SECOND)

    assert listed() == [(ADDRESS, "soft_bounces")]


def test_a_mailbox_behind_the_address_does_not_fail_for_it():
    ready_settings(soft_bounce_count=1, soft_bounce_days=30)
    delivery = sent_mail()
    raw = sample(SOFT, delivery).replace(
        b"Final-Recipient: RFC822; zoe@", b"Final-Recipient: RFC822; other@"
    )

    receive(raw, now=NOW)

    [event] = delivery.events.all()
    assert Bounce.of(event.detail)[:2] == ("forwarded", "mailbox_full")
    assert listed() == []


def test_a_complaint_is_an_opt_out_for_the_host(django_capture_on_commit_callbacks):
    told = []

    def listen(**facts):
        told.append((facts["object_ids"], facts["address"]))

    signals.unsubscribed.connect(listen)
    delivery = sent_mail()
    waiting = DeliveryFactory(recipient__email=ADDRESS)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            come_back("arf_abuse", delivery)
            come_back("arf_abuse", delivery)
    finally:
        signals.unsubscribed.disconnect(listen)

    assert told == [(sorted([delivery.object_id, waiting.object_id]), ADDRESS)]
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("skipped", "suppressed")
    contact = MassContact.objects.get(object_id=delivery.object_id)
    assert not contact.subscribed


@pytest.mark.parametrize("kind", ["test", "alert"])
def test_a_colleague_who_complains_about_a_test_goes_on_getting_mail(kind):
    delivery = sent_mail()
    Delivery.objects.update(kind=kind, mailing=None)

    come_back("arf_abuse", delivery)
    come_back("arf_opt_out", delivery)

    assert kinds(delivery) == ["complained"]
    assert listed() == []


@pytest.mark.parametrize(
    ("name", "listed_as"),
    [("arf_abuse", "complaint"), ("arf_opt_out", "opted_out")],
)
def test_a_wish_holds_when_every_row_is_gone(name, listed_as):
    delivery = sent_mail()
    raw = sample(name, delivery)
    key = delivery.address_key
    delivery.delete()

    returned = receive(raw, now=NOW)

    assert returned.delivery_ids == ()
    assert SuppressedAddress.objects.of_address(key).get().reason == listed_as


def test_of_an_erased_person_no_words_are_kept():
    delivery = sent_mail()
    erase(delivery.address_key, source="a request")

    for name in (HARD, SOFT, "apple_mail_reply", "outlook_out_of_office", "arf_abuse"):
        come_back(name, delivery)

    details = set(delivery.events.values_list("detail", flat=True))
    assert details == {"hard: unknown_address", "soft: mailbox_full", "", "abuse"}
    assert list(SuppressedAddress.objects.values_list("address", flat=True)) == [""]


def test_erasing_takes_the_words_of_what_came_back():
    delivery = sent_mail()
    for name in (HARD, "apple_mail_reply", "gmail_vacation", "arf_abuse"):
        come_back(name, delivery)

    erase(delivery.address_key, source="a request")

    details = sorted(delivery.events.values_list("detail", flat=True))
    assert details == ["", "", "abuse", "hard: unknown_address"]


def test_the_managers_own_answer_is_none_of_the_recipient():
    delivery = sent_mail()
    raw = sample("apple_mail_reply", delivery)
    own = raw.replace(b"From: Zoe Reader <zoe@", b"From: Anna <ANNA@example.com>, <x@")

    assert receive(own, now=NOW).kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []


def test_the_mailbox_in_which_it_was_found_may_be_another_own_one():
    delivery = sent_mail()
    account = EmailAccountFactory(from_email=ADDRESS)

    returned = come_back("apple_mail_reply", delivery, account=account)

    assert returned.kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []


def test_the_same_recipient_answers_twice():
    delivery = sent_mail()
    raw = sample("apple_mail_reply", delivery)

    receive(raw, now=NOW)
    receive(raw.replace(b"<0F9E8D7C", b"<11111111"), now=NOW)

    assert kinds(delivery) == ["replied", "replied"]


def test_a_flood_of_returns_ends_in_fifty_rows():
    delivery = sent_mail()
    raw = sample("apple_mail_reply", delivery)

    for number in range(60):
        receive(raw.replace(b"<0F9E8D7C", b"<%08d" % number), now=NOW)

    assert delivery.events.count() == 50


def test_an_unknown_token_in_a_subject_is_no_request():
    delivery = sent_mail()
    raw = sample("apple_mail_reply", delivery)

    returned = receive(raw.replace(b"Re: News", b"unsubscribe " + b"x" * 54), now=NOW)

    assert returned.kind == ReturnKind.REPLY
    assert listed() == []


@pytest.fixture
def mailing():
    return MailingOutFactory(launched=True)


def many(mailing, count):
    """Sent mails of one mailing, one a second."""
    owner, account = mailing.owner, EmailAccountFactory(owner=mailing.owner)
    return [
        DeliveryFactory(
            mailing=mailing,
            recipient=CustomerFactory(owner=owner, email=f"zoe{number}@example.org"),
            email_account=account,
            message_id=f"<m{number}@example.com>",
            status="sent",
            sent_at=NOW + number * SECOND,
            result_at=NOW + number * SECOND,
        )
        for number in range(count)
    ]


def about(name, delivery):
    """A sample about another mail than ours."""
    raw = sample(name, delivery).replace(
        MESSAGE_ID.encode(), delivery.message_id.encode()
    )
    return raw.replace(ADDRESS.encode(), delivery.address.encode())


def stop_reason(mailing):
    mailing.refresh_from_db()
    return mailing.stop_reason


@pytest.mark.parametrize(
    ("name", "times", "reason"),
    [
        (HARD, 6, "hard_bounces"),
        ("exim_dsn", 6, "hard_bounces"),
        ("taken_for_spam", 3, "reputation"),
        ("arf_abuse", 3, "complaints"),
        ("gmail_not_authenticated", 1, "authentication"),
    ],
)
def test_what_comes_back_later_stops_a_mailing(mailing, name, times, reason):
    rows = many(mailing, 8)

    for row in rows[: times - 1]:
        receive(about(name, row), now=NOW)
    assert stop_reason(mailing) == ""
    receive(about(name, rows[times - 1]), now=NOW)

    assert stop_reason(mailing) == reason
    assert mailing.status == "E"
    alert = Alert.objects.get()
    assert alert.recipient == mailing.owner


@pytest.mark.parametrize(
    "name", [SOFT, "postfix_forwarded", "postfix_delayed", "apple_mail_reply"]
)
def test_what_is_no_fault_of_the_list_stops_nothing(mailing, name):
    for row in many(mailing, 8):
        receive(about(name, row), now=NOW)

    assert stop_reason(mailing) == ""


def test_a_forwarding_that_breaks_the_senders_signature_stops_nothing(mailing):
    [row] = many(mailing, 1)
    raw = about("gmail_not_authenticated", row).replace(
        b"Final-Recipient: rfc822; zoe0@", b"Final-Recipient: rfc822; behind@"
    )

    receive(raw, now=NOW)

    assert stop_reason(mailing) == ""


def test_what_left_before_a_person_resumed_does_not_stop_it_again(mailing):
    rows = many(mailing, 7)
    MailingOut.objects.update(resumed_at=rows[-1].sent_at)

    for row in rows:
        receive(about(HARD, row), now=NOW + 100 * SECOND)
    receive(about("gmail_not_authenticated", rows[0]), now=NOW + 100 * SECOND)

    assert stop_reason(mailing) == ""


def test_a_mailing_that_is_done_is_left_alone(mailing):
    rows = many(mailing, 6)
    MailingOut.objects.update(status="D", finished_at=NOW)

    for row in rows:
        receive(about(HARD, row), now=NOW)

    assert (stop_reason(mailing), mailing.status) == ("", "D")
    assert DeliveryEvent.objects.count() == 6


@pytest.mark.parametrize("name", [HARD, "postfix_delayed", "apple_mail_reply"])
@pytest.mark.parametrize("outcome", ["uncertain", "refused"])
def test_what_waits_for_another_try_was_delivered(name, outcome):
    """A person had it sent again, or a server took what it had refused."""
    delivery = sent_mail(status="queued", sent_at=None, attempts=1, reason="put_back")
    SendAttemptFactory(delivery=delivery, outcome=outcome)

    assert come_back(name, delivery).is_news

    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_at) == ("sent", NOW)
    assert "resolved" in kinds(delivery)


@pytest.mark.parametrize("status", ["queued", "failed", "skipped"])
def test_without_a_hand_over_nothing_was_delivered(status):
    delivery = sent_mail(status=status, sent_at=None)

    come_back("postfix_delayed", delivery)

    delivery.refresh_from_db()
    assert delivery.status == status


def test_what_came_back_while_it_was_being_sent_counts_when_that_ends_uncertain():
    delivery = sent_mail(status="sending", sent_at=None)

    come_back("apple_mail_reply", delivery)
    delivery.refresh_from_db()
    assert delivery.status == "sending"
    Delivery.objects.update(status="uncertain", claim_token=None, lease_until=None)
    prove_late(NOW)

    delivery.refresh_from_db()
    assert delivery.status == "sent"


def test_what_the_server_refused_stays_refused():
    delivery = sent_mail(status="failed", reason="unknown_address", sent_at=None)

    come_back(HARD, delivery)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("failed", "unknown_address")
    assert kinds(delivery) == ["bounced"]


def test_an_answer_needs_no_account():
    delivery = sent_mail()
    Delivery.objects.update(email_account=None)

    assert come_back("apple_mail_reply", delivery).is_news


def test_other_peoples_rows_are_not_touched():
    delivery = sent_mail()
    other = sent_mail(message_id="<other@example.com>", recipient__email="a@b.example")
    SuppressedAddressFactory(address="somebody@example.net")
    UserFactory()

    come_back(HARD, delivery)

    assert kinds(other) == []
    assert len(listed()) == 2


def test_a_fault_of_ours_costs_one_mail_and_is_logged(monkeypatch, caplog):
    def fail(mail):
        raise ZeroDivisionError

    monkeypatch.setattr(returns, "kind_of", fail)

    assert receive(b"x", now=NOW).kind == ReturnKind.UNKNOWN
    assert "could not be processed" in caplog.text


def test_a_database_that_is_away_is_said(monkeypatch):
    def fail(mail):
        raise OperationalError

    monkeypatch.setattr(returns, "kind_of", fail)

    with pytest.raises(OperationalError):
        receive(b"x", now=NOW)


def test_a_colleagues_answer_in_the_thread_is_none_of_the_recipient():
    delivery = sent_mail()
    EmailAccountFactory(from_email="bob@example.com")
    raw = sample("apple_mail_reply", delivery)
    own = raw.replace(
        b"From: Zoe Reader <zoe@example.org>", b"From: Bob <Bob@example.com>"
    )
    assert own != raw

    assert receive(own, now=NOW).kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []


def test_an_answer_that_a_group_passes_on_is_a_persons():
    delivery = sent_mail()
    raw = b"Precedence: list\nList-ID: <sales.example.com>\n" + sample(
        "apple_mail_reply", delivery
    )

    assert receive(raw, now=NOW).kind == ReturnKind.REPLY


@pytest.mark.parametrize("tag", ["41", "2020", "AB", "7A7"])
def test_an_address_whose_tag_looks_encoded_fails_as_itself(tag):
    address = f"zoe+{tag}@example.org"
    delivery = sent_mail(recipient__email=address)
    raw = sample(HARD, delivery).replace(
        b"rfc822; zoe@", f"rfc822; zoe+{tag}@".encode()
    )

    receive(raw, now=NOW)

    assert listed() == [(address, "hard_bounce")]


def test_a_bounce_without_its_mail_is_about_what_it_answers():
    delivery = sent_mail()
    raw = (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\n"
        "To: anna@example.com\nSubject: Undelivered Mail\n"
        "In-Reply-To: <private@example.com>\n"
        f"References: {MESSAGE_ID} <private@example.com>\n"
        "Auto-Submitted: auto-replied\n\n"
        f"<{ADDRESS}>: 550 5.1.1 user unknown\n"
    ).encode()

    assert receive(raw, now=NOW).kind == ReturnKind.UNKNOWN
    assert kinds(delivery) == []
