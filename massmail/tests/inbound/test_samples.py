"""What programs really send back, and what becomes of it: one line for each."""

from __future__ import annotations

import pytest

from massmail.models import Delivery, DeliveryEvent, SuppressedAddress
from massmail.models.bounce import Bounce
from massmail.orchestrator.returns import receive
from massmail.tests.factories import NOW
from massmail.tests.inbound.returned import (
    ADDRESS,
    come_back,
    names_of_samples,
    sample,
    sent_mail,
)

pytestmark = pytest.mark.django_db

# name: (kind, event, sort and reason of a bounce, why the address is on the list)
EXPECTED = {
    "about_another_mail": ("unknown", "", "", ""),
    "apple_mail_reply": ("reply", "replied", "", ""),
    "arf_abuse": ("complaint", "complained", "", "complaint"),
    "arf_not_spam": ("receipt", "", "", ""),
    "arf_opt_out": ("unsubscribe", "unsubscribed", "", "opted_out"),
    "arf_redacted": ("complaint", "complained", "", "complaint"),
    "autoresponder_without_thread": ("auto_reply", "auto_replied", "", ""),
    "copy_in_sent_folder": ("receipt", "", "", ""),
    "exchange_headers_in_text": (
        "bounce",
        "bounced",
        "hard unknown_address",
        "hard_bounce",
    ),
    "exchange_online": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "exim_dsn": ("bounce", "bounced", "other unknown_address", ""),
    "exim_text": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "german_words_only": ("bounce", "bounced", "other came_back", ""),
    "given_up": ("bounce", "bounced", "soft gave_up", ""),
    "gmail_not_authenticated": (
        "bounce",
        "bounced",
        "reputation sender_not_authenticated",
        "",
    ),
    "gmail_unknown_user": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "gmail_vacation": ("auto_reply", "auto_replied", "", ""),
    "japanese_iso2022": ("bounce", "bounced", "other mailbox_disabled", ""),
    "outlook_out_of_office": ("auto_reply", "auto_replied", "", ""),
    "postfix_delayed": ("delay", "", "", ""),
    "postfix_delivered": ("receipt", "", "", ""),
    "postfix_forwarded": ("bounce", "bounced", "forwarded unknown_address", ""),
    "postfix_unknown_user": (
        "bounce",
        "bounced",
        "hard unknown_address",
        "hard_bounce",
    ),
    "qmail": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "read_receipt": ("receipt", "", "", ""),
    "reply_with_folded_ids": ("reply", "replied", "", ""),
    "russian_koi8": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "sendmail_expanded_alias": ("bounce", "bounced", "forwarded unknown_address", ""),
    "sendmail_mailbox_full": ("bounce", "bounced", "soft mailbox_full", ""),
    "status_in_base64": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "taken_for_spam": ("bounce", "bounced", "reputation taken_for_spam", ""),
    "truncated": ("bounce", "bounced", "hard unknown_address", "hard_bounce"),
    "unsubscribe_by_mail": ("unsubscribe", "unsubscribed", "", "opted_out"),
    "utf8_report": ("bounce", "bounced", "hard moved_away", "hard_bounce"),
    "words_only": ("bounce", "bounced", "soft mailbox_full", ""),
}


def test_each_sample_is_expected():
    assert names_of_samples() == sorted(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_becomes(name):
    delivery = sent_mail()
    kind, event, bounce, on_the_list = EXPECTED[name]

    returned = come_back(name, delivery)

    events = list(DeliveryEvent.objects.filter(delivery=delivery))
    reasons = list(SuppressedAddress.objects.values_list("reason", flat=True))
    found = [Bounce.of(one.detail) for one in events if one.kind == "bounced"]
    assert str(returned.kind) == kind
    assert [one.kind for one in events] == ([event] if event else [])
    assert [f"{one.sort} {one.reason}" for one in found] == ([bounce] if bounce else [])
    assert reasons == ([on_the_list] if on_the_list else [])
    assert returned.is_news is bool(event)
    assert returned.delivery_ids == (() if kind == "unknown" else (delivery.pk,))
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.SENT
    assert_nothing_changes(
        lambda: receive(otherwise(name, delivery), now=NOW), returned
    )


def otherwise(name, delivery):
    """The same mail by another way."""
    return b"Received: from elsewhere\n" + sample(name, delivery)


def assert_nothing_changes(act, first):
    events = list(DeliveryEvent.objects.order_by("pk").values())
    listed = list(SuppressedAddress.objects.values())

    again = act()

    assert (again.kind, again.delivery_ids) == (first.kind, first.delivery_ids)
    assert not again.is_news
    assert list(DeliveryEvent.objects.order_by("pk").values()) == events
    assert list(SuppressedAddress.objects.values()) == listed


ONE_OF_EACH = (
    "about_another_mail",
    "apple_mail_reply",
    "arf_abuse",
    "arf_opt_out",
    "copy_in_sent_folder",
    "gmail_vacation",
    "postfix_delayed",
    "postfix_forwarded",
    "postfix_unknown_user",
    "read_receipt",
    "unsubscribe_by_mail",
)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_an_uncertain_mail_was_delivered(name):
    delivery = sent_mail(status="uncertain", sent_at=None, reason="no_answer_after_dot")

    returned = come_back(name, delivery)

    delivery.refresh_from_db()
    is_ours = EXPECTED[name][0] != "unknown"
    assert delivery.status == ("sent" if is_ours else "uncertain")
    assert returned.is_news is is_ours


@pytest.mark.parametrize("ending", ["\r\n", "\r"], ids=["crlf", "cr"])
@pytest.mark.parametrize("name", ["exim_text", "exchange_online", "qmail"])
def test_the_ends_of_lines_do_not_matter(name, ending):
    delivery = sent_mail()
    raw = sample(name, delivery).replace(b"\n", ending.encode())

    receive(
        b"From MAILER-DAEMON Mon Mar  1 09:30:05 2027" + ending.encode() + raw, now=NOW
    )

    assert [row.address for row in SuppressedAddress.objects.all()] == [ADDRESS]
