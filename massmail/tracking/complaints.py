"""A recipient pressed the button for spam: their provider told us (RFC 5965)."""

from __future__ import annotations

from massmail.models import Delivery, SuppressedAddress
from massmail.tracking.responses import (
    Responder,
    opt_out_records,
    tell_after_commit,
)

SOURCE = "feedback loop"


def stop_mailing_to(person: Responder) -> None:
    """No mailing reaches the person any more; the host is told as of an opt-out.

    Idempotent, inside the caller's transaction. An opt-out that is on the list already
    stays one.
    """
    SuppressedAddress.objects.suppress_key(
        person.address_key,
        address=person.address,
        reason=SuppressedAddress.Reason.COMPLAINT,
        source=SOURCE,
    )
    waiting = Delivery.objects.filter(address_key=person.address_key)
    waiting.exclude(kind=Delivery.Kind.ALERT).skip(Delivery.SkipReason.SUPPRESSED)
    tell_after_commit(opt_out_records(person), person)
