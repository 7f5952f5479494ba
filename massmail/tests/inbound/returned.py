"""Samples of mail that comes back, about one mail of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from massmail import tokens
from massmail.models import Delivery
from massmail.orchestrator.returns import Returned, receive
from massmail.tests.factories import NOW, DeliveryFactory
from massmail.tracking.public_links import UNSUBSCRIBE

SAMPLES = Path(__file__).parent / "samples"
MESSAGE_ID = "<5f2c1a9be07d4436a1c84e9d70b3f612@example.com>"
ADDRESS = "zoe@example.org"
# Where the samples have the token of the recipient.
TOKEN = b"THE-TOKEN-OF-THE-RECIPIENT-STANDS-HERE-IN-THE-TESTS_54"


def sent_mail(**fields: Any) -> Delivery:
    """The mail that the samples are about."""
    facts = {
        "recipient__email": ADDRESS,
        "email_account__from_email": "anna@example.com",
        "message_id": MESSAGE_ID,
        "status": "sent",
        "sending_at": NOW,
        "sent_at": NOW,
        "result_at": NOW,
    }
    return DeliveryFactory(**facts | fields)


def sample(name: str, delivery: Delivery | None = None, **changes: str) -> bytes:
    """Its bytes, with the token of the delivery; `changes` are words to replace."""
    raw = (SAMPLES / f"{name}.eml").read_bytes()
    if delivery:
        token = tokens.make(
            UNSUBSCRIBE, delivery_id=delivery.pk, address_key=delivery.address_key
        )
        raw = raw.replace(TOKEN, token.encode())
    for old, new in changes.items():
        raw = raw.replace(old.encode(), new.encode())
    return raw


def come_back(name: str, delivery: Delivery, **options: Any) -> Returned:
    return receive(sample(name, delivery), now=NOW, **options)


def names_of_samples() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob("*.eml"))
