"""What each kind of outcome makes of the row, the attempt, the account, the mailing."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db.models import Q

from massmail.backends.phases import Reply
from massmail.models import (
    Alert,
    Delivery,
    MailingOut,
    SendAttempt,
    SuppressedAddress,
)
from massmail.sending import verdicts
from massmail.sending.outcomes import REPUTATION_REASONS
from massmail.sending.recording import Result, hand_over, record
from massmail.tests.factories import NOW
from massmail.tests.sending.results import (
    LATER,
    OK,
    SENT,
    UNCERTAIN,
    attempt_of,
)

[SPAM, *_] = sorted(REPUTATION_REASONS)


def test_a_hand_over_marks_the_row_and_writes_its_attempt(claimed, token):
    assert hand_over([claimed], token, allowed=Q(), now=NOW) == {claimed.pk}

    claimed.refresh_from_db()
    assert (claimed.status, claimed.attempts, claimed.sending_at) == ("sending", 1, NOW)
    assert claimed.claim_token == token
    assert claimed.lease_until == NOW + dt.timedelta(seconds=660)
    attempt = attempt_of(claimed)
    assert (attempt.outcome, attempt.occurred_at) == ("open", NOW)
    assert attempt.email_account == claimed.email_account


def test_repeating_a_hand_over_whose_answer_was_lost_changes_nothing(
    announced, token, ledger
):
    before = ledger()

    assert hand_over([announced], token, allowed=Q(), now=LATER) == {announced.pk}

    assert ledger() == before
    announced.refresh_from_db()
    assert (announced.attempts, announced.sending_at) == (1, NOW)


def test_only_what_is_allowed_is_handed_over(rows, token):
    one, other = rows(2, token)

    granted = hand_over([one, other], token, allowed=Q(pk=one.pk), now=NOW)

    assert granted == {one.pk}
    other.refresh_from_db()
    assert (other.status, other.attempts) == ("claimed", 0)
    assert SendAttempt.objects.count() == 1


@pytest.mark.parametrize("lost", ["token", "lease", "state"])
def test_who_lost_the_row_hands_nothing_over(claimed, token, ledger, lost):
    if lost == "token":
        Delivery.objects.update(claim_token=uuid.uuid4())
    elif lost == "lease":
        Delivery.objects.update(lease_until=NOW)
    else:
        Delivery.objects.release(token)
    before = ledger()

    assert hand_over([claimed], token, allowed=Q(), now=NOW) == set()
    assert ledger() == before


def test_a_sent_message(announced, note):
    written, row = note(announced, SENT, OK)

    assert written
    assert (row.status, row.reason, row.attempts) == ("sent", "", 1)
    assert (row.smtp_code, row.smtp_enhanced, row.smtp_text) == (
        250,
        "2.0.0",
        "queued as 42",
    )
    assert row.sent_at == row.result_at == LATER
    assert (row.claim_token, row.lease_until) == (None, None)
    attempt = attempt_of(row)
    # Quotas count from the moment at which it may be in.
    assert (attempt.outcome, attempt.occurred_at) == ("sent", LATER)


def test_an_uncertain_message(announced, note):
    written, row = note(announced, UNCERTAIN, detail="connection_lost: reset")

    assert written
    assert (row.status, row.reason) == ("uncertain", "no_answer_after_dot")
    assert (row.smtp_code, row.smtp_text) == (None, "connection_lost: reset")
    assert row.sent_at is None
    assert attempt_of(row).outcome == "uncertain"


def test_a_refusal_after_the_dot(announced, note):
    reply = Reply(554, "5.6.0", "malformed")
    written, row = note(announced, verdicts.give_up("message_refused"), reply)

    assert written
    assert (row.status, row.reason, row.attempts) == ("failed", "message_refused", 1)
    assert attempt_of(row).outcome == "refused"
    assert not SuppressedAddress.objects.exists()


def test_a_refusal_before_the_dot_counts_the_attempt_but_no_quota(claimed, note):
    reply = Reply(550, "5.1.1", "no such user")
    written, row = note(claimed, verdicts.give_up("refused"), reply, announced=False)

    assert written
    assert (row.status, row.attempts) == ("failed", 1)
    assert not SendAttempt.objects.exists()


def test_an_address_that_does_not_exist_is_suppressed(claimed, note):
    reply = Reply(550, "5.1.1", "no such user")
    note(claimed, verdicts.suppress("unknown_address"), reply, announced=False)

    entry = SuppressedAddress.objects.get()
    assert (entry.address_key, entry.address) == (claimed.address_key, claimed.address)
    assert entry.reason == "hard_bounce"
    assert "550 5.1.1 no such user" in entry.source


def test_a_bounce_does_not_weaken_an_opt_out(claimed, note):
    SuppressedAddress.objects.suppress(
        claimed.address, reason="opted_out", source="page"
    )
    note(claimed, verdicts.suppress("unknown_address"), OK, announced=False)

    assert SuppressedAddress.objects.get().reason == "opted_out"


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_refusal_for_now_waits_longer_each_time(
    rows, token, note, account, handed_over
):
    """5, 15, 60 minutes, 4, 12, 24 hours, then daily; three days after the first."""
    later = verdicts.retry("greylisted")
    reply = Reply(451, "4.7.1", "later")
    row, now, delays = rows(1)[0], NOW, []
    while row.status == "queued":
        Delivery.objects.claim([row.pk], token, now + dt.timedelta(minutes=2))
        row.refresh_from_db()
        if handed_over:
            hand_over([row], token, allowed=Q(), now=now)
        result = Result(row, later, reply, announced=handed_over)
        assert record(result, token, now)
        row.refresh_from_db()
        delays.append((row.not_before - now).total_seconds() / 3600)
        now = row.not_before
        token = uuid.uuid4()

    assert (row.status, row.reason) == ("failed", "gave_up")
    assert row.attempts == len(delays) == 9
    assert delays[:6] == [5 / 60, 15 / 60, 1, 4, 12, 24]
    assert row.result_at - row.first_refused_at == dt.timedelta(hours=72)
    assert SendAttempt.objects.count() == (9 if handed_over else 0)


@pytest.mark.parametrize("handed_over", [True, False])
def test_the_accounts_fault_is_not_the_recipients(rows, token, note, handed_over):
    row = rows(1, token)[0]
    if handed_over:
        hand_over([row], token, allowed=Q(), now=NOW)
    reply = Reply(421, "4.3.2", "shutting down")

    written, row = note(
        row, verdicts.back_off("server_busy"), reply, announced=handed_over
    )

    assert written
    assert (row.status, row.reason, row.attempts) == ("queued", "server_busy", 0)
    assert row.not_before == NOW
    assert row.first_refused_at is None
    row.email_account.refresh_from_db()
    assert row.email_account.state == "paused"
    if handed_over:
        assert attempt_of(row).outcome == "refused"


def test_a_stop_of_the_account_leaves_the_recipient_waiting(claimed, note):
    reply = Reply(535, "5.7.8", "bad credentials")
    _written, row = note(
        claimed, verdicts.stop("login_refused"), reply, announced=False
    )

    assert (row.status, row.attempts) == ("queued", 0)
    row.email_account.refresh_from_db()
    assert row.email_account.state == "stopped"
    assert str(reply) == row.email_account.last_error


def test_a_broken_connection_waits_a_moment_and_blames_nobody(announced, note):
    lost = verdicts.reconnect("connection_lost")
    written, row = note(announced, lost, detail="connection_lost: reset")

    assert written
    assert (row.status, row.attempts) == ("queued", 0)
    assert row.not_before == LATER + dt.timedelta(seconds=60)
    row.email_account.refresh_from_db()
    assert row.email_account.state == "active"


def test_a_connection_that_breaks_before_its_first_message_rests_the_account(
    claimed, note
):
    lost = verdicts.reconnect("connection_lost")
    _written, row = note(claimed, lost, announced=False, broke_fresh_line=True)

    row.email_account.refresh_from_db()
    assert row.email_account.state == "paused"
    assert row.email_account.failures_in_a_row == 1


def test_a_message_that_the_server_never_takes_stops_the_mailing(announced, note):
    reply = Reply(552, "5.3.4", "too big")
    _written, row = note(announced, verdicts.stop_mailing("message_too_big"), reply)

    mailing = MailingOut.objects.get()
    assert (mailing.status, mailing.stop_reason) == ("E", "message_refused")
    assert (row.status, row.attempts) == ("queued", 0)
    assert Alert.objects.get(closed_at=None).recipient == mailing.owner


def test_missing_authentication_stops_the_mailing_at_once(announced, note):
    outcome = verdicts.distrust("unauthenticated", immediate_mailing_stop=True)
    _written, row = note(announced, outcome, Reply(550, "5.7.26", "DMARC"))

    assert row.status == "failed"
    assert MailingOut.objects.get().stop_reason == "authentication"
    assert not SuppressedAddress.objects.exists()


def test_the_third_spam_verdict_stops_the_mailing(rows, token, note):
    reasons = []
    for row in rows(3, token):
        note(row, verdicts.distrust(SPAM), Reply(550, "5.7.1", "spam"), announced=False)
        reasons.append(MailingOut.objects.get().stop_reason)

    assert reasons == ["", "", "reputation"]
    assert not SuppressedAddress.objects.exists()


def test_a_result_of_mail_without_a_mailing_is_recorded(rows, token, note):
    [row] = rows(
        1, token, mailing=None, version=None, kind="test", recipient__owner=None
    )
    hand_over([row], token, allowed=Q(), now=NOW)

    written, row = note(row, SENT, OK)

    assert written
    assert row.status == "sent"


@pytest.mark.parametrize("outcome", [SENT, UNCERTAIN, verdicts.give_up("refused")])
def test_who_lost_the_row_writes_nothing_of_it(claimed, note, ledger, outcome):
    Delivery.objects.update(claim_token=uuid.uuid4())
    before = ledger()

    written, _row = note(claimed, outcome, OK, announced=False)

    assert not written
    assert ledger() == before
    assert not SuppressedAddress.objects.exists()
