"""What follows from a mail about one of ours, in one transaction for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from massmail.inbound import processing
from massmail.inbound.classifier import failure_of
from massmail.inbound.decoding import one_line
from massmail.inbound.fallback import failing_addresses
from massmail.inbound.kinds import ReturnKind
from massmail.inbound.lookup import names, told_of
from massmail.inbound.parser import Mail
from massmail.models import Delivery, DeliveryEvent, MailingOut
from massmail.models.bounce import Bounce, BounceSort
from massmail.models.breakers import StopReason, check_breakers, stop_mailing
from massmail.models.mailing_out import SENDING_STATUSES
from massmail.sending.outcomes import HARD_BOUNCE_REASONS, REPUTATION_REASONS
from massmail.tracking.complaints import stop_mailing_to
from massmail.tracking.responses import Responder

Kind = DeliveryEvent.Kind
# Nobody's wish to get less mail: a colleague's test, a warning to the staff.
NOT_FOR_RECIPIENTS = (Delivery.Kind.TEST, Delivery.Kind.ALERT)


@dataclass(frozen=True, slots=True)
class Received:
    """A mail about one of ours."""

    mail: Mail
    raw: bytes
    delivery: Delivery
    now: dt.datetime


def write_bounce(received: Received) -> None:
    delivery, now = received.delivery, received.now
    failing = () if received.mail.reports else failing_addresses(received.raw)
    told = told_of(delivery, received.mail, failing)
    failure = failure_of(told.status, told.words)
    is_ours = names(delivery, told)
    sort = failure.sort if is_ours else sort_of_others(failure.sort, told.addresses)
    bounce = Bounce(sort, failure.reason, one_line(told.words, 400))
    mark = processing.mark_of(received.mail)
    processing.record_bounce(delivery, bounce, mark=mark, now=now)
    if is_ours and failure.stops_mailing:
        stop_for_good_reason(delivery, now)
    else:
        look_at_breakers(delivery, now)


def sort_of_others(sort: str, addresses: tuple[tuple[str, ...], ...]) -> str:
    """What is not known to be about our recipient's address never counts against it.

    Where others are named, theirs failed; where nobody is, ours may have.
    """
    if addresses:
        return BounceSort.FORWARDED
    return BounceSort.OTHER if sort == BounceSort.HARD else sort


def write_complaint(received: Received) -> None:
    delivery, now = received.delivery, received.now
    if delivery.kind not in NOT_FOR_RECIPIENTS:
        stop_mailing_to(Responder.of(delivery.address_key, delivery))
    detail = received.mail.feedback
    processing.record_complaint(delivery, detail=detail, now=now)
    look_at_breakers(delivery, now)


def write_answer(kind: str) -> Callable[[Received], None]:
    def write(received: Received) -> None:
        mail = received.mail
        processing.record_answer(
            received.delivery,
            kind,
            subject=mail.fields.get("subject"),
            mark=processing.mark_of(mail),
            now=received.now,
        )

    return write


WRITERS: dict[ReturnKind, Callable[[Received], None]] = {
    ReturnKind.BOUNCE: write_bounce,
    ReturnKind.COMPLAINT: write_complaint,
    ReturnKind.REPLY: write_answer(Kind.REPLIED),
    ReturnKind.AUTO_REPLY: write_answer(Kind.AUTO_REPLIED),
}


def running_mailing(delivery: Delivery) -> MailingOut | None:
    """The mailing whose breakers this mail can trip."""
    mailing = delivery.mailing
    runs = mailing and mailing.status in SENDING_STATUSES and not mailing.stop_reason
    return mailing if runs else None


def look_at_breakers(delivery: Delivery, now: dt.datetime) -> None:
    if mailing := running_mailing(delivery):
        check_breakers(
            mailing,
            reputation=REPUTATION_REASONS,
            hard_bounces=HARD_BOUNCE_REASONS,
            now=now,
            near=delivery,
        )


def stop_for_good_reason(delivery: Delivery, now: dt.datetime) -> None:
    """As the sender does at once; what left before a person resumed is old news."""
    mailing = running_mailing(delivery)
    if mailing is None:
        return
    left_at = delivery.sent_at or delivery.sending_at
    if not (mailing.resumed_at and left_at and left_at <= mailing.resumed_at):
        stop_mailing(mailing.pk, StopReason.AUTHENTICATION, now=now)
