"""The page that brings somebody back says what comes of it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from massmail import tokens
from massmail.models import Delivery, MassmailSettings, SuppressedAddress
from massmail.orchestrator.confirming import ask_to_confirm
from massmail.tests.factories import (
    DeliveryFactory,
    SuppressedAddressFactory,
    TargetListFactory,
)
from massmail.tracking.list_scope import unsubscribe_from_lists
from massmail.tracking.responses import responder, unsubscribe

pytestmark = pytest.mark.django_db
PROMISE = "will get our mailings again."
IN_VAIN = "For another reason we still send no mailings to this address."


@pytest.fixture
def delivery() -> Delivery:
    MassmailSettings(company_name="Example Ltd").save()
    return DeliveryFactory(status="sent", recipient__email="zoe@mail.example.com")


def token_of(mail: Delivery, purpose: str = "unsubscribe") -> str:
    return tokens.make(purpose, delivery_id=mail.pk, address_key=mail.address_key)


@pytest.fixture
def left(delivery) -> str:
    """Who left and has asked to come back: the address of the page."""
    unsubscribe(token_of(delivery), now=timezone.now())
    assert ask_to_confirm(responder(token_of(delivery)), now=timezone.now())
    mail = Delivery.objects.get(kind="confirmation")
    return reverse("massmail_public:resubscribe", args=[token_of(mail, "resubscribe")])


def told(client, url: str) -> list[str]:
    """What stands there before and after the button is pressed."""
    pages = [client.get(url), client.post(url, {"confirm": "subscribe"})]
    return [page.content.decode() for page in pages]


def test_who_gets_mailings_again_is_told_so(client, left):
    before, after = told(client, left)

    assert PROMISE in before and "You are subscribed again" in after
    assert IN_VAIN not in before + after


@pytest.mark.parametrize("reason", ["manual", "opted_out"])
def test_who_is_kept_out_by_his_domain_is_promised_nothing(client, left, reason):
    SuppressedAddressFactory(address="", domain="example.com", reason=reason)

    before, after = told(client, left)

    assert IN_VAIN in before and PROMISE not in before
    assert IN_VAIN in after and "subscribed again" not in after
    assert SuppressedAddress.objects.get().domain == "example.com"


def test_what_was_entered_before_he_left_is_not_passed_over(client, delivery, request):
    SuppressedAddress.objects.suppress(
        delivery.address, reason="manual", source="told so"
    )

    before, after = told(client, request.getfixturevalue("left"))

    assert IN_VAIN in before and IN_VAIN in after


def test_an_erased_person_is_promised_nothing(client, left):
    SuppressedAddress.objects.update(reason="manual", address="")
    Delivery.objects.update(address="")

    before, after = told(client, left)

    assert IN_VAIN in before and IN_VAIN in after


def test_back_on_a_list_is_not_back_where_all_mailings_were_left(client, delivery):
    news = TargetListFactory(public_name="News")
    delivery.mailing.target_lists.add(news)
    unsubscribe_from_lists(token_of(delivery), now=timezone.now())
    person = responder(token_of(delivery))
    assert ask_to_confirm(person, now=timezone.now(), only_lists=True)
    unsubscribe(token_of(delivery), now=timezone.now())
    [url] = [
        word
        for word in Delivery.objects.get(kind="confirmation").version.text.split()
        if word.startswith("https://")
    ]

    before, after = told(client, "/" + url.split("/", 3)[3])

    assert IN_VAIN in before and IN_VAIN in after
