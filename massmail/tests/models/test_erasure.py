"""A person is erased: no text is left, and nobody is mailed again."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from massmail.models import Delivery, SuppressedAddress, SuppressionChange
from massmail.models.erasure import Erased, erase
from massmail.reports.ledger import check_ledger
from massmail.tests.factories import (
    NOW,
    DeliveryEventFactory,
    DeliveryFactory,
    SuppressedAddressFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Delivery:
    return DeliveryFactory(
        status="sent",
        recipient__email="zoe@example.com",
        name="Zoe Quagga",
        smtp_text="250 zoe@example.com accepted",
    )


def texts_of(delivery: Delivery) -> list[str]:
    delivery.refresh_from_db()
    return [delivery.name, delivery.address, delivery.smtp_text]


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ("too_many: I am Zoe: stop", "too_many"),
        ("too_many", "too_many"),
        ("I am Zoe Quagga", ""),
        ("zoe@example.com: stop", ""),
    ],
)
def test_of_the_reason_for_leaving_the_words_go(sent, detail, kept):
    event = DeliveryEventFactory(delivery=sent, kind="unsubscribed", detail=detail)

    erase(sent.address_key, source="asked")

    event.refresh_from_db()
    assert event.detail == kept


def test_the_texts_go_and_the_keys_stay(sent):
    key, by = sent.address_key, UserFactory()
    other = DeliveryFactory(status="sent", name="Anna")

    assert erase(key, source="asked by letter", by=by) == Erased(mails=1, left=0)

    assert texts_of(sent) == ["", "", ""]
    assert sent.address_key == key
    assert "Anna" in texts_of(other)
    row = SuppressedAddress.objects.get()
    assert (row.address, row.reason, row.by) == ("", "manual", by)
    assert SuppressedAddress.objects.covers("ZOE@example.com")
    assert SuppressionChange.objects.get().source == "asked by letter"


def test_who_is_on_the_list_stays_on_it_for_the_same_reason(sent):
    SuppressedAddressFactory(address="zoe@example.com", reason="opted_out")

    erase(sent.address_key, source="asked")
    erase(sent.address_key, source="asked again")

    row = SuppressedAddress.objects.get()
    assert (row.address, row.reason) == ("", "opted_out")


def test_what_waits_is_not_sent_and_what_is_under_way_is_erased_later(sent):
    waiting = DeliveryFactory(address_key=sent.address_key, address=sent.address)
    uncertain = DeliveryFactory(
        status="uncertain", address_key=sent.address_key, address=sent.address
    )

    assert erase(sent.address_key, source="asked") == Erased(mails=2, left=1)

    assert texts_of(waiting) == ["", "", ""]
    assert (waiting.status, waiting.reason) == ("skipped", "suppressed")
    assert sent.address not in texts_of(waiting)
    uncertain.refresh_from_db()
    assert (uncertain.status, uncertain.address) == ("uncertain", "zoe@example.com")


def test_no_promise_of_the_ledger_is_broken_by_it(sent):
    DeliveryFactory(address_key=sent.address_key, address=sent.address)
    before = list(check_ledger(NOW))

    erase(sent.address_key, source="asked")

    assert list(check_ledger(NOW)) == before


def test_the_command_erases_all_or_nobody(sent, capsys):
    with pytest.raises(CommandError):
        call_command("erase_address", "zoe@example.com", "nobody")
    assert texts_of(sent)[1] == "zoe@example.com"

    call_command("erase_address", "Zoe@example.com", "unknown@example.com")

    assert texts_of(sent) == ["", "", ""]
    assert capsys.readouterr().out == "1 mails were erased.\n"
    assert SuppressedAddress.objects.count() == 2
