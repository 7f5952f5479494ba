"""Writing down what came of a message: the row, the attempt, and what follows.

All functions run inside the caller's transaction: a run commits the results of
several connections, and the rows that it hands over next, at once.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet

from massmail.backends.phases import Reply
from massmail.conf import conf
from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    SendAttempt,
    SuppressedAddress,
)
from massmail.models.breakers import StopReason, check_breakers, stop_mailing
from massmail.models.delivery_batches import Accepted, HandOver, mark_all_sent
from massmail.models.proof import resolve_by_proof, settle_accepted
from massmail.models.soft_bounces import suppress_after_failures
from massmail.sending.account_health import account_failed
from massmail.sending.outcomes import (
    HARD_BOUNCE_REASONS,
    REPUTATION_REASONS,
    Outcome,
    Scope,
    Verdict,
    recipient_retry_delay_seconds,
)

Attempt = SendAttempt.Outcome


class Result(NamedTuple):
    """What a server, or the lack of its answer, said of one delivery."""

    delivery: Delivery
    outcome: Outcome
    reply: Reply | None
    # The `sending` UPDATE was committed for it.
    announced: bool
    detail: str = ""
    # The connection was lost before it carried a single message.
    broke_fresh_line: bool = False
    # `updated_at` of the account's settings that were used.
    account_saved_at: dt.datetime | None = None

    @property
    def concerns_account(self) -> bool:
        return self.outcome.scope == Scope.ACCOUNT or self.broke_fresh_line

    @property
    def is_acceptance(self) -> bool:
        """The ordinary outcome: a reply that took an announced message."""
        is_sent = self.outcome.verdict == Verdict.SENT
        return is_sent and self.announced and self.reply is not None

    @property
    def accepted(self) -> Accepted:
        delivery, facts = self.delivery, reply_facts(self)
        return Accepted(delivery.pk, delivery.claim, *facts.values())


def record_all(results: Sequence[Result], now: dt.datetime) -> None:
    """Write what a run has heard: acceptances at once, all else one after the other.

    Nothing follows from an acceptance but the row and its attempt. Where two results
    are about one row (a run that slept had claimed it again), their order counts.
    """
    times = Counter(result.delivery.pk for result in results)
    plain = {
        result.delivery.pk: result
        for result in results
        if result.is_acceptance and times[result.delivery.pk] == 1
    }
    written = mark_all_sent([plain[pk].accepted for pk in sorted(plain)], now)
    for result in results:
        token = result.delivery.claim
        if result.delivery.pk not in plain:
            record(result, token, now)
        elif result.delivery.pk not in written:
            record_lost(result, token, now)


def record(result: Result, token: uuid.UUID, now: dt.datetime) -> bool:
    """Write one result; False when this worker had lost the row meanwhile."""
    if not write_row(result, token, now):
        record_lost(result, token, now)
        return False
    if result.announced:
        close_attempt(result, token, now)
    draw_consequences(result, now)
    if result.outcome.verdict != Verdict.SENT:
        detail = "accepted at another attempt"
        settle_accepted([result.delivery.pk], now=now, detail=detail)
    return True


def record_lost(result: Result, token: uuid.UUID, now: dt.datetime) -> None:
    """What a late worker learned is the proof that settles the uncertain row."""
    if result.announced:
        lock_row(result.delivery.pk)
        close_attempt(result, token, now)
        learn_late(result, now)


def lock_row(pk: int) -> None:
    """Who records another attempt of it now comes before or after, never beside.

    Else a late acceptance and a refusal of the next attempt would each miss the other,
    and the row would wait to be sent once more.
    """
    list(Delivery.objects.select_for_update(no_key=True).filter(pk=pk).values("pk"))


def learn_late(result: Result, now: dt.datetime) -> None:
    """An acceptance proves the delivery; a refusal only that of its own attempt.

    Where another attempt's fate is open (a person had it sent again), a late refusal
    of the first one must not put the row back a second time.
    """
    verdict, pk = result.outcome.verdict, result.delivery.pk
    detail = f"late reply: {result.reply or result.detail}"[:500]
    if verdict == Verdict.SENT:
        settle_accepted([pk], now=now, detail=detail)
    elif verdict != Verdict.UNCERTAIN and not unknown_attempts(pk).exists():
        resolve_by_proof(pk, sent=False, now=now, detail=detail)


def unknown_attempts(delivery_id: int) -> QuerySet[SendAttempt]:
    return SendAttempt.objects.filter(
        delivery=delivery_id, outcome__in=(Attempt.OPEN, Attempt.UNCERTAIN)
    )


def write_row(result: Result, token: uuid.UUID, now: dt.datetime) -> int:
    rows, delivery, outcome = Delivery.objects, result.delivery, result.outcome
    facts = reply_facts(result) | {"result_at": now}
    if outcome.verdict == Verdict.SENT:
        return rows.mark_sent(delivery.pk, token, sent_at=now, reason="", **facts)
    if outcome.verdict == Verdict.UNCERTAIN:
        return rows.mark_uncertain(delivery.pk, token, reason=outcome.reason, **facts)
    if outcome.scope != Scope.RECIPIENT:
        return put_back_uncounted(result, token, now)
    if not result.announced:
        facts["attempts"] = F("attempts") + 1
    if outcome.verdict == Verdict.GIVE_UP:
        return rows.mark_failed(delivery.pk, token, reason=outcome.reason, **facts)
    return retry_later(result, token, now, facts)


def retry_later(
    result: Result, token: uuid.UUID, now: dt.datetime, facts: dict[str, Any]
) -> int:
    """Refused for now: later again, given up after three days."""
    delivery = result.delivery
    attempts = delivery.attempts + 1
    first = delivery.first_refused_at or now
    facts["first_refused_at"] = first
    since_first = (now - first).total_seconds()
    delay = recipient_retry_delay_seconds(attempts, since_first)
    if delay is None:
        return Delivery.objects.mark_failed(
            delivery.pk, token, reason="gave_up", **facts
        )
    return Delivery.objects.put_back(
        delivery.pk,
        token,
        reason=result.outcome.reason,
        not_before=now + dt.timedelta(seconds=delay),
        **facts,
    )


def put_back_uncounted(result: Result, token: uuid.UUID, now: dt.datetime) -> int:
    """The account's, the mailing's or the line's fault: no attempt of the recipient.

    It waits a moment all the same, lest one message break every connection.
    """
    facts: dict[str, Any] = {"reason": result.outcome.reason}
    if result.announced:
        facts["attempts"] = F("attempts") - 1
    if result.outcome.scope == Scope.CONNECTION:
        facts["not_before"] = now + dt.timedelta(seconds=conf.CONNECTION_RETRY_SECONDS)
    return Delivery.objects.put_back(result.delivery.pk, token, **facts)


def reply_facts(result: Result) -> dict[str, Any]:
    reply = result.reply
    if reply is None:
        return {"smtp_code": None, "smtp_enhanced": "", "smtp_text": result.detail}
    return {
        "smtp_code": reply.code,
        "smtp_enhanced": reply.enhanced[:12],
        "smtp_text": reply.text[:500],
    }


def close_attempt(result: Result, token: uuid.UUID, now: dt.datetime) -> None:
    """The attempt's time moves to the reply: quotas count from when it may be in."""
    outcome = {
        Verdict.SENT: Attempt.SENT,
        Verdict.UNCERTAIN: Attempt.UNCERTAIN,
    }.get(result.outcome.verdict, Attempt.REFUSED)
    SendAttempt.objects.filter(delivery=result.delivery, token=token).update(
        outcome=outcome, occurred_at=now
    )


def draw_consequences(result: Result, now: dt.datetime) -> None:
    """What the result means for the list, the mailing and the account."""
    outcome, delivery = result.outcome, result.delivery
    if outcome.suppress:
        SuppressedAddress.objects.suppress_key(
            delivery.address_key,
            address=delivery.address,
            reason=SuppressedAddress.Reason.HARD_BOUNCE,
            source=f"SMTP {result.reply or result.detail}"[:200],
        )
    elif outcome.scope == Scope.RECIPIENT and outcome.verdict == Verdict.RETRY:
        suppress_after_failures(delivery.address_key, address=delivery.address, now=now)
    if result.concerns_account and delivery.email_account_id:
        account_failed(
            delivery.email_account_id,
            outcome,
            detail=str(result.reply or result.detail),
            now=now,
            saved_at=result.account_saved_at,
        )
    if delivery.mailing_id:
        judge_mailing(delivery.mailing_id, outcome, now)
        if outcome.verdict not in (Verdict.SENT, Verdict.UNCERTAIN, Verdict.GIVE_UP):
            MailingOut.objects.filter(pk=delivery.mailing_id).close_cancelled()


def judge_mailing(mailing_id: int, outcome: Outcome, now: dt.datetime) -> None:
    if outcome.scope == Scope.MAILING and outcome.verdict == Verdict.STOP:
        stop_mailing(mailing_id, StopReason.MESSAGE_REFUSED, now=now)
    elif outcome.immediate_mailing_stop:
        stop_mailing(mailing_id, StopReason.AUTHENTICATION, now=now)
    elif outcome.reputation or outcome.hard_bounce:
        check_breakers(
            MailingOut.objects.get(pk=mailing_id),
            reputation=REPUTATION_REASONS,
            hard_bounces=HARD_BOUNCE_REASONS,
            now=now,
        )


def hand_over(
    deliveries: list[Delivery],
    token: uuid.UUID,
    *,
    allowed: Q | HandOver,
    now: dt.datetime,
) -> set[int]:
    """The `sending` UPDATE and its attempts; returns the ids that may go out.

    `deliveries` belong to one mailing, or to none; `allowed` is its recheck. A commit
    whose answer was lost is repeated: what it took is `sending` already, and may go.
    """
    ids = {delivery.pk for delivery in deliveries}
    mark = allowed if isinstance(allowed, HandOver) else HandOver(allowed)
    granted = mark(ids, token, now=now, lease_until=dot_lease(now))
    return granted if granted == ids else granted | granted_ids(ids - granted, token)


def dot_lease(now: dt.datetime) -> dt.datetime:
    """How long a row may wait for the answer to its dot."""
    return now + dt.timedelta(seconds=conf.FINAL_DOT_TIMEOUT + conf.LEASE_MARGIN)


def granted_ids(ids: Collection[int], token: uuid.UUID) -> set[int]:
    """Which rows the UPDATE took; a row is handed over once in a claim."""
    rows = Delivery.objects.held_by(token, Delivery.Status.SENDING).filter(pk__in=ids)
    return set(rows.values_list("pk", flat=True))


def recover(now: dt.datetime) -> int:
    """Take back rows and lanes of workers whose leases ran out; returns how many.

    Asks before it writes: there is rarely anything, and SQLite has one writer.
    """
    if not Delivery.objects.expired(now).exists():
        return 0
    with transaction.atomic():
        freed, lost = Delivery.objects.recover(now)
        SendAttempt.objects.filter(delivery__in=lost, outcome=Attempt.OPEN).update(
            outcome=Attempt.UNCERTAIN
        )
        settle_accepted(lost, now=now, detail="accepted at another attempt")
    return freed + len(lost)


def take_turn(account: EmailAccount, *, now: dt.datetime, next_at: dt.datetime) -> bool:
    """The account's gap is over and the next one begins; False while it lasts."""
    return bool(
        EmailAccount.objects.filter(
            Q(next_send_at=None) | Q(next_send_at__lte=now), pk=account.pk
        ).update(next_send_at=next_at)
    )
