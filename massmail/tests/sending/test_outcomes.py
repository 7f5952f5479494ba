"""What each reply means: whom it is about and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.backends.causes import Cause
from massmail.backends.phases import Phase, Reply
from massmail.sending.outcome_rules import RULES, WITHOUT_REPLY
from massmail.sending.outcomes import (
    HARD_BOUNCE_REASONS,
    HELP,
    LIMIT_REASONS,
    REPUTATION_REASONS,
    Scope,
    Verdict,
    account_backoff_seconds,
    classify,
    recipient_retry_delay_seconds,
)

CONNECT, BANNER, EHLO = Phase.CONNECT, Phase.BANNER, Phase.EHLO
STARTTLS, TLS, AUTH = Phase.STARTTLS, Phase.TLS, Phase.AUTH
MAIL, RCPT, DATA, BODY, DOT = Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT

RECIPIENT, ACCOUNT = Scope.RECIPIENT, Scope.ACCOUNT
CONNECTION = Scope.CONNECTION
SENT, RETRY, GIVE_UP = Verdict.SENT, Verdict.RETRY, Verdict.GIVE_UP
STOP, UNCERTAIN = Verdict.STOP, Verdict.UNCERTAIN

CASES = Path(__file__).with_name("outcome_cases.txt")


def cases() -> Iterator[tuple[Phase, Reply, tuple[Scope, Verdict, str, bool]]]:
    for line in CASES.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        phase, code, enhanced, scope, verdict, reason, kept, *text = line.split(None, 7)
        reply = Reply(int(code), enhanced.strip("-"), "".join(text))
        meaning = (
            Scope(scope),
            Verdict(verdict),
            reason.strip("-"),
            kept == "suppress",
        )
        yield Phase(phase), reply, meaning


ALL_CASES = list(cases())


@pytest.mark.parametrize(
    ("phase", "reply", "meaning"),
    ALL_CASES,
    ids=lambda value: str(value)[:50] if isinstance(value, Phase | Reply) else "",
)
def test_a_reply_means(phase, reply, meaning) -> None:
    outcome = classify(phase, reply)
    assert meaning == (
        outcome.scope,
        outcome.verdict,
        outcome.reason,
        outcome.suppress,
    )


@pytest.mark.parametrize(
    ("phase", "detail", "scope", "verdict", "reason"),
    [
        (CONNECT, "host_not_found: no name", ACCOUNT, STOP, "host_not_found"),
        (CONNECT, "private_address", ACCOUNT, STOP, "private_address"),
        (CONNECT, "resolver_unavailable", ACCOUNT, RETRY, "resolver_unavailable"),
        (CONNECT, "connection_refused", ACCOUNT, RETRY, "connection_refused"),
        (CONNECT, "timed_out", ACCOUNT, RETRY, "timed_out"),
        (BANNER, "connection_lost", ACCOUNT, RETRY, "connection_lost"),
        (EHLO, "protocol_error", ACCOUNT, RETRY, "protocol_error"),
        (STARTTLS, "starttls_missing", ACCOUNT, STOP, "starttls_missing"),
        (TLS, "certificate_invalid: expired", ACCOUNT, STOP, "certificate_invalid"),
        (TLS, "host_name_mismatch", ACCOUNT, STOP, "host_name_mismatch"),
        (TLS, "tls_failed: handshake", ACCOUNT, RETRY, "tls_failed"),
        (AUTH, "login_in_clear", ACCOUNT, STOP, "login_in_clear"),
        (AUTH, "login_impossible", ACCOUNT, STOP, "login_impossible"),
        (AUTH, "secret_unreadable", ACCOUNT, STOP, "secret_unreadable"),
        (AUTH, "login_not_offered", ACCOUNT, STOP, "login_not_offered"),
        (MAIL, "sender_not_ascii", ACCOUNT, STOP, "sender_not_ascii"),
        (RCPT, "recipient_not_ascii", RECIPIENT, GIVE_UP, "recipient_not_ascii"),
        (MAIL, "connection_lost", CONNECTION, RETRY, "connection_lost"),
        (RCPT, "timed_out", CONNECTION, RETRY, "timed_out"),
        (BODY, "connection_lost", CONNECTION, RETRY, "connection_lost"),
        (DATA, "words of no cause", CONNECTION, RETRY, "connection_lost"),
        (DOT, "connection_lost", RECIPIENT, UNCERTAIN, "no_answer_after_dot"),
        (DOT, "timed_out", RECIPIENT, UNCERTAIN, "no_answer_after_dot"),
        (DOT, "protocol_error", RECIPIENT, UNCERTAIN, "no_answer_after_dot"),
    ],
)
def test_silence_means(phase, detail, scope, verdict, reason) -> None:
    outcome = classify(phase, None, detail=detail)
    assert (outcome.scope, outcome.verdict, outcome.reason) == (scope, verdict, reason)
    assert not outcome.suppress


replies = st.builds(
    Reply,
    st.integers(0, 999),
    st.one_of(st.just(""), st.from_regex(r"\A[245]\.\d{1,3}\.\d{1,3}\Z")),
    st.one_of(
        st.text(max_size=200),
        st.sampled_from([reply.text for _, reply, _ in ALL_CASES]),
    ),
)


@given(st.sampled_from(Phase), st.one_of(st.none(), replies), st.text(max_size=50))
def test_every_reply_and_every_silence_has_an_outcome(phase, reply, detail) -> None:
    outcome = classify(phase, reply, detail=detail)
    assert outcome.reason or outcome.verdict is SENT


@given(st.sampled_from(Phase), st.one_of(st.none(), replies))
def test_only_an_address_that_is_refused_as_such_is_suppressed(phase, reply) -> None:
    if classify(phase, reply).suppress:
        assert phase in (RCPT, DOT)
        assert reply.code // 100 == 5
        assert reply.enhanced in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


@given(st.one_of(st.none(), replies), st.sampled_from([*Cause, "", "whatever"]))
def test_after_the_dot_only_a_clear_answer_is_believed(reply, detail) -> None:
    verdict = classify(DOT, reply, detail=str(detail)).verdict
    answer = None if reply is None else reply.code // 100
    assert (verdict is SENT) == (answer == 2)
    assert (verdict is UNCERTAIN) == (answer not in (2, 4, 5))


@given(st.sampled_from([phase for phase in Phase if phase is not DOT]), replies)
def test_nothing_is_sent_or_uncertain_before_the_dot(phase, reply) -> None:
    assert classify(phase, reply).verdict not in (SENT, UNCERTAIN)


@given(st.sampled_from([CONNECT, BANNER, EHLO, STARTTLS, TLS, AUTH, MAIL]), replies)
def test_nobody_is_blamed_before_he_is_named(phase, reply) -> None:
    assert classify(phase, reply).scope is not RECIPIENT


def test_one_reply_about_authentication_stops_the_mailing() -> None:
    for enhanced in ("5.7.26", "5.7.515"):
        outcome = classify(DOT, Reply(550, enhanced, ""))
        assert outcome.reputation
        assert outcome.immediate_mailing_stop


def test_a_reply_about_spam_counts_for_the_breaker_only() -> None:
    outcome = classify(DOT, Reply(554, "5.7.1", "looks like spam"))
    assert outcome.reputation
    assert not outcome.immediate_mailing_stop
    assert not outcome.hard_bounce


def test_unknown_addresses_are_hard_bounces_and_full_mailboxes_are_not() -> None:
    assert classify(RCPT, Reply(550, "5.1.1", "")).hard_bounce
    assert classify(RCPT, Reply(550, "", "no such user")).hard_bounce
    assert not classify(RCPT, Reply(552, "5.2.2", "")).hard_bounce


def test_a_refused_login_asks_for_a_fresh_token_first() -> None:
    assert classify(AUTH, Reply(535, "5.7.8", "")).needs_token_refresh
    assert not classify(AUTH, Reply(534, "5.7.9", "")).needs_token_refresh


def test_the_breakers_know_their_reasons() -> None:
    assert {"unknown_address", "address_refused", "refused"} < HARD_BOUNCE_REASONS
    assert {"taken_for_spam", "sender_not_authenticated"} < REPUTATION_REASONS
    assert not HARD_BOUNCE_REASONS & REPUTATION_REASONS
    assert {"daily_limit"} == LIMIT_REASONS


def test_every_reason_that_a_person_sees_at_an_account_has_a_help_text() -> None:
    outcomes = [row.outcome for row in RULES] + list(WITHOUT_REPLY.values())
    shown = {each.reason for each in outcomes if each.scope is not RECIPIENT}
    # An account also backs off when its lines keep breaking after the dot.
    shown.add(classify(DOT, None).reason)
    assert shown == set(HELP)
    assert all(str(text).endswith(".") for text in HELP.values())


@pytest.mark.parametrize(
    ("attempts", "since_first_hours", "delay_minutes"),
    [
        (1, 0, 5),
        (2, 0.1, 15),
        (3, 0.4, 60),
        (4, 1.5, 240),
        (5, 6, 720),
        (6, 18, 1440),
        (7, 42, 1440),
        (9, 71, 60),
    ],
)
def test_a_recipient_is_tried_again_ever_more_slowly(
    attempts, since_first_hours, delay_minutes
) -> None:
    delay = recipient_retry_delay_seconds(attempts, since_first_hours * 3600)
    assert delay == pytest.approx(delay_minutes * 60)


def test_a_recipient_is_given_up_after_three_days() -> None:
    assert recipient_retry_delay_seconds(1, 72 * 3600) is None
    assert recipient_retry_delay_seconds(9, 100 * 3600) is None


@given(st.integers(0, 50), st.floats(0, 72 * 3600, exclude_max=True))
def test_no_recipient_is_tried_later_than_three_days(attempts, since_first) -> None:
    delay = recipient_retry_delay_seconds(attempts, since_first)
    assert 0 < delay <= 72 * 3600 - since_first


def test_an_account_backs_off_for_longer_each_time() -> None:
    delays = [account_backoff_seconds(failures, 0) for failures in range(1, 9)]
    assert delays == [60, 120, 300, 900, 1800, 3600, 3600, 3600]


def test_the_pause_of_an_account_varies_by_a_fifth() -> None:
    assert account_backoff_seconds(1, -1) == pytest.approx(48)
    assert account_backoff_seconds(1, 1) == pytest.approx(72)
