"""Unsubscribing by mail."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from massmail import tokens
from massmail.models import SuppressedAddress
from massmail.tests.factories import NOW, DeliveryFactory
from massmail.tracking.mail_requests import unsubscribe_by_mail, unsubscribe_mailto

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject() -> str:
    """What the mail program makes of the link."""
    delivery = DeliveryFactory(status="sent", recipient__email="zoe@example.com")
    url = unsubscribe_mailto(
        "returns+list@example.com",
        delivery_id=delivery.pk,
        address_key=delivery.address_key,
    )
    assert len(url) <= 200
    parts = urlsplit(url)
    assert (parts.scheme, parts.path) == ("mailto", "returns%2Blist@example.com")
    return parse_qs(parts.query)["subject"][0]


@pytest.mark.parametrize("form", ["{}", "Re: {}", "[EXTERNAL] {} ", "RE: AW: {}."])
def test_the_mail_opts_out(subject, form):
    unsubscribe_by_mail(form.format(subject), now=NOW)

    row = SuppressedAddress.objects.get()
    assert (row.address, row.reason, row.source) == (
        "zoe@example.com",
        "opted_out",
        "mail to unsubscribe",
    )


@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda s: s[:-1], lambda s: ""]
)
def test_any_other_mail_does_nothing(subject, change):
    with pytest.raises(tokens.InvalidToken):
        unsubscribe_by_mail(change(subject), now=NOW)

    assert not SuppressedAddress.objects.exists()
