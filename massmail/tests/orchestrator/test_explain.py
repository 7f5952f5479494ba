"""Why a mailing is not sending, in one sentence, and when it goes on."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    Heartbeat,
    MailingOut,
    MassmailSettings,
)
from massmail.models.breakers import StopReason
from massmail.orchestrator.circumstances import Explanation
from massmail.orchestrator.explain import explain
from massmail.orchestrator.waiting import explain_account
from massmail.sending.outcomes import HELP
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SendAttemptFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
# A Friday evening, and the Monday after it.
EVENING = dt.datetime(2027, 3, 12, 20, tzinfo=dt.UTC)
MONDAY = dt.datetime(2027, 3, 15, 8, 30, tzinfo=dt.UTC)


@pytest.fixture
def mailing():
    """Launched and prepared, one waiting row, worker and beat alive."""
    mailing = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, email_account__name="Anna's")
    for name in (Heartbeat.BEAT, Heartbeat.WORKER):
        Heartbeat.objects.beat(name, NOW)
    return mailing


def why(mailing, now=NOW):
    """(sentence, next time); a clock that goes on has gone on for a moment only."""
    mailing.refresh_from_db()
    found = explain(mailing, now=now)
    if found.next_at and dt.timedelta(0) < found.next_at - now < HOUR / 60:
        return found.reason, now
    return found.reason, found.next_at


def mailings(**fields):
    MailingOut.objects.update(**fields)


def accounts(**fields):
    EmailAccount.objects.update(**fields)


def rows(**fields):
    Delivery.objects.update(**fields)


def claim(until=NOW + HOUR):
    token = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    rows(status="claimed", claim_token=token, lease_until=until)


def business_time(**fields):
    MassmailSettings(use_business_time=True, **fields).save()


def test_when_nothing_is_in_the_way_it_is_being_sent(mailing):
    assert why(mailing) == ("It is being sent.", NOW)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "D"}, "Done: every recipient has a final state."),
        ({"status": "I"}, "It was cancelled."),
        ({"prepared_at": None}, "The recipients are still being prepared."),
        ({"status": "P", "launched_at": None}, "It has not been launched yet."),
        ({"status": "P"}, "It was paused; it goes on when it is resumed."),
    ],
    ids=str,
)
def test_what_the_mailings_state_says(mailing, fields, reason):
    mailings(**fields)

    assert why(mailing) == (reason, None)


def test_a_merged_mailing_went_into_another(mailing):
    mailings(status="I", merged_into=MailingOutFactory())

    assert why(mailing) == ("It was merged into another mailing.", None)


@pytest.mark.parametrize("stop", StopReason.values)
def test_a_breaker_says_why_and_what_to_do(mailing, stop):
    mailings(status="E", stop_reason=stop)

    reason, next_at = why(mailing)

    assert next_at is None
    assert str(StopReason(stop).label) in reason
    assert reason.endswith("Resume it when that is mended.")


def test_an_owner_who_left_is_named(mailing):
    mailing.owner.is_active = False
    mailing.owner.save()

    assert why(mailing) == ("Its owner's user account is not active.", None)


def test_the_last_messages_are_on_their_way(mailing):
    claim()

    assert why(mailing) == ("The last messages are on their way.", NOW + HOUR)


def test_uncertain_messages_want_a_decision(mailing):
    rows(status="uncertain")

    reason, next_at = why(mailing)

    assert reason.endswith("decide.")
    assert next_at is None


def test_when_all_is_final_nothing_is_missing_any_more(mailing):
    """The moment between the last reply and the end of the mailing."""
    rows(status="sent")

    assert why(mailing) == ("Every recipient has a final state; it is ending.", NOW)


def test_a_scheduled_mailing_starts_at_its_time(mailing):
    mailings(start_at=NOW + 3 * HOUR)

    assert why(mailing) == ("It is scheduled for a later time.", NOW + 3 * HOUR)


def test_a_start_outside_business_hours_is_their_beginning(mailing):
    business_time()
    mailings(start_at=EVENING)

    assert why(mailing) == ("It is scheduled for a later time.", MONDAY)


def test_outside_business_hours_it_waits_for_them(mailing):
    business_time()

    assert why(mailing, EVENING) == ("It is outside business hours now.", MONDAY)
    assert why(mailing, NOW)[0] == "It is being sent."


def test_by_the_recipients_clocks_the_first_of_them_to_open_is_waited_for(mailing):
    """On Wednesday at noon in UTC it is night in both, and morning in Berlin."""
    business_time(use_recipient_time_zone=True, time_zone="Europe/Berlin")
    rows(time_zone="Australia/Sydney")
    other = DeliveryFactory(mailing=mailing, time_zone="Pacific/Honolulu")

    assert why(mailing) == (
        "It is outside business hours now where the recipients are.",
        dt.datetime(2027, 3, 10, 18, 30, tzinfo=dt.UTC),
    )
    accounts(state="paused", paused_until=NOW + HOUR)
    assert why(mailing)[1] == dt.datetime(2027, 3, 10, 18, 30, tzinfo=dt.UTC)

    accounts(state="active", paused_until=None)
    Delivery.objects.filter(pk=other.pk).update(time_zone="Europe/Lisbon")
    assert why(mailing) == ("It is being sent.", NOW)


# When Sydney opens after `NOW`, on Thursday there.
SYDNEY = dt.datetime(2027, 3, 10, 21, 30, tzinfo=dt.UTC)
CLOSED = "It is outside business hours now where the recipients are."


def sydney_is_due_and_lisbon_later(mailing, later):
    business_time(use_recipient_time_zone=True)
    rows(time_zone="Australia/Sydney")
    DeliveryFactory(
        mailing=mailing,
        email_account=EmailAccount.objects.get(),
        time_zone="Europe/Lisbon",
        not_before=later,
    )


@pytest.mark.parametrize(
    ("later", "goes_on"),
    [
        (NOW + HOUR, NOW + HOUR),
        # Lisbon closes at 17:30.
        (NOW + 6 * HOUR, SYDNEY),
    ],
)
def test_open_hours_of_those_who_are_tried_again_later_open_no_others(
    mailing, later, goes_on
):
    sydney_is_due_and_lisbon_later(mailing, later)

    assert why(mailing) == (CLOSED, goes_on)
    found = explain_account(EmailAccount.objects.get(), now=NOW)
    assert (found.reason, found.next_at) == (CLOSED, goes_on)


def test_an_accounts_closed_hours_are_told_beside_one_that_is_stopped(mailing):
    business_time(use_recipient_time_zone=True)
    rows(time_zone="Australia/Sydney")
    DeliveryFactory(
        mailing=mailing, email_account__state="stopped", time_zone="Europe/Lisbon"
    )

    assert why(mailing) == (CLOSED, SYDNEY)


def test_without_business_hours_ahead_a_person_must_act(mailing):
    business_time(business_days=[])

    assert why(mailing) == ("It is outside business hours now.", None)


def test_rows_without_an_account_say_so(mailing):
    rows(email_account=None)

    assert why(mailing) == (
        "The waiting recipients have no account to send from.",
        None,
    )


@pytest.mark.parametrize(
    ("is_main", "advice"),
    [
        (True, "the main account mails VIPs only. Allow an account for mass mail."),
        (False, "Set up an account for mass mail."),
    ],
)
def test_who_has_no_account_for_mass_mail_is_told_what_to_do(mailing, is_main, advice):
    rows(email_account=None)
    accounts(for_massmail=False, is_main=is_main)

    reason, next_at = why(mailing)

    assert reason.startswith("The waiting recipients have no account to send from")
    assert reason.endswith(advice)
    assert next_at is None


def test_a_mailing_whose_time_is_over_ends_at_the_next_walk(mailing):
    mailings(expires_at=NOW)

    assert why(mailing) == ("Its time is over: who still waits is left out.", NOW)
    Heartbeat.objects.all().delete()
    assert "scheduler" in why(mailing)[0]


@pytest.mark.parametrize("held", [{"status": "P"}, {"stop_reason": "reputation"}])
def test_a_held_mailing_whose_time_is_over_is_not_said_to_go_on(mailing, held):
    mailings(expires_at=NOW, **held)

    assert why(mailing) == ("Its time is over: who still waits is left out.", NOW)
    rows(status="uncertain", reason="")
    assert why(mailing) == (
        "For some messages it is uncertain whether they were delivered: decide.",
        None,
    )


def test_recipients_are_not_prepared_without_a_worker(mailing):
    mailings(prepared_at=None)
    Heartbeat.objects.filter(name="worker").delete()

    assert why(mailing) == (
        "The recipients are still being prepared. No sending worker is running; tell "
        "the administrator.",
        None,
    )


def test_an_account_that_was_given_away_says_so(mailing):
    accounts(owner=UserFactory(), state="stopped")

    assert why(mailing) == (
        "The account Anna's is not its owner's any more.",
        None,
    )


def test_a_stopped_account_says_why_in_words(mailing):
    accounts(state="stopped", state_reason="login_refused")

    assert why(mailing) == (
        f"The account Anna's is stopped: {HELP['login_refused']}",
        None,
    )


def test_a_persons_own_words_are_shown_as_they_are(mailing):
    accounts(state="stopped", state_reason="Anna is on leave.")

    assert why(mailing)[0] == "The account Anna's is stopped: Anna is on leave."


def test_a_resting_account_says_until_when(mailing):
    accounts(state="paused", state_reason="server_busy", paused_until=NOW + HOUR)

    reason, next_at = why(mailing)

    assert reason == f"The account Anna's rests: {HELP['server_busy']}"
    assert next_at == NOW + HOUR


def test_a_rest_that_ends_outside_business_hours_ends_with_them(mailing):
    business_time()
    accounts(state="paused", state_reason="server_busy", paused_until=EVENING)

    assert why(mailing)[1] == MONDAY


def test_a_rest_that_is_over_holds_nothing(mailing):
    accounts(state="paused", paused_until=NOW)

    assert why(mailing)[0] == "It is being sent."


def test_a_full_quota_says_when_it_frees(mailing):
    accounts(per_hour=1)
    SendAttemptFactory(
        delivery=DeliveryFactory(
            mailing=mailing, status="sent", email_account=EmailAccount.objects.get()
        ),
        occurred_at=NOW - HOUR / 4,
    )

    assert why(mailing) == (
        "The account Anna's has used up its sending limit.",
        NOW + HOUR * 3 / 4 + dt.timedelta(microseconds=1),
    )


@pytest.mark.parametrize("limit", ["per_minute", "per_hour", "per_day"])
def test_a_limit_of_nothing_frees_at_no_time(mailing, limit):
    accounts(**{limit: 0})

    assert why(mailing) == (
        "The account Anna's may send nothing: one of its limits is 0.",
        None,
    )


def test_a_gap_says_when_it_ends(mailing):
    accounts(next_send_at=NOW + HOUR)

    assert why(mailing) == (
        "The account Anna's pauses between two messages.",
        NOW + HOUR,
    )


def test_rows_that_are_tried_again_later_say_when(mailing):
    rows(not_before=NOW + HOUR)

    assert why(mailing) == (
        "The remaining recipients are tried again later.",
        NOW + HOUR,
    )


def test_one_account_that_can_send_is_enough(mailing):
    accounts(state="stopped")
    DeliveryFactory(mailing=mailing)

    assert why(mailing)[0] == "It is being sent."


def test_of_several_accounts_the_first_to_go_on_is_named(mailing):
    accounts(state="stopped", state_reason="login_refused")
    for hours in (3, 2):
        account = EmailAccountFactory(
            owner=mailing.owner,
            name=f"in {hours}",
            state="paused",
            state_reason="server_busy",
            paused_until=NOW + hours * HOUR,
        )
        DeliveryFactory(mailing=mailing, email_account=account)

    reason, next_at = why(mailing)

    assert reason.startswith("The account in 2 rests:")
    assert next_at == NOW + 2 * HOUR


@pytest.mark.parametrize(
    ("silent", "words"), [("beat", "scheduler (beat)"), ("worker", "sending worker")]
)
def test_a_silent_process_is_named(mailing, silent, words):
    Heartbeat.objects.filter(name=silent).update(beat_at=NOW - HOUR)

    assert words in why(mailing)[0]


def test_a_held_lane_proves_a_worker(mailing):
    Heartbeat.objects.all().delete()
    AccountLane.objects.create(
        email_account=EmailAccount.objects.get(), number=1, lease_until=NOW + HOUR
    )

    assert why(mailing)[0] == "It is being sent."


def hand_over(seconds, lanes=1):
    """A message was handed over so long ago, through the account's only lane."""
    handed_over = NOW - dt.timedelta(seconds=seconds)
    account = EmailAccount.objects.get()
    lease_until = handed_over + dt.timedelta(seconds=660)
    row = DeliveryFactory(
        mailing=MailingOut.objects.get(),
        email_account=account,
        status="sending",
        sending_at=handed_over,
        lease_until=lease_until,
    )
    SendAttemptFactory(delivery=row, occurred_at=handed_over, outcome="open")
    for number in range(1, lanes + 1):
        AccountLane.objects.create(
            email_account=account, number=number, lease_until=lease_until
        )
    return lease_until


def test_a_server_that_does_not_answer_is_named(mailing):
    """Or the worker was lost: until the lane's lease ends nobody can tell."""
    lease_until = hand_over(seconds=90)

    assert why(mailing) == (
        "The account Anna's waits for its server's answer, or for the end of a "
        "worker that was lost.",
        lease_until,
    )


def test_lanes_of_a_worker_that_was_lost_between_two_messages_hold_too(mailing):
    lease_until = hand_over(seconds=90)
    Delivery.objects.filter(status="sending").update(
        status="sent", claim_token=None, lease_until=None
    )

    assert why(mailing)[1] == lease_until


def test_a_run_that_has_just_begun_is_no_wait(mailing):
    hand_over(seconds=3600)
    AccountLane.objects.update(lease_until=NOW + dt.timedelta(seconds=115))

    assert why(mailing)[0] == "It is being sent."


def test_an_answer_that_takes_a_moment_is_no_wait(mailing):
    hand_over(seconds=20)

    assert why(mailing)[0] == "It is being sent."


def test_an_account_with_a_free_lane_is_not_waited_for(mailing):
    accounts(max_connections=2)
    hand_over(seconds=90)

    assert why(mailing)[0] == "It is being sent."


def test_answers_on_another_lane_are_a_sign_of_life(mailing):
    accounts(max_connections=2)
    hand_over(seconds=90, lanes=2)
    SendAttemptFactory(
        delivery=Delivery.objects.first(),
        email_account=EmailAccount.objects.get(),
        occurred_at=NOW - dt.timedelta(seconds=3),
    )

    assert why(mailing)[0] == "It is being sent."


def used_up(hours_ago):
    """The day's only mail left so long ago."""
    accounts(per_day=1)
    SendAttemptFactory(
        delivery=DeliveryFactory(
            mailing=MailingOut.objects.get(),
            status="sent",
            email_account=EmailAccount.objects.get(),
        ),
        occurred_at=NOW - hours_ago * HOUR,
    )


def rest(hours):
    until = NOW + hours * HOUR
    accounts(state="paused", state_reason="server_busy", paused_until=until)


# Each cause with another that outlasts it: (how, its sentence, hours until it goes on).
WAIT_IN_WAIT = [
    (lambda: (rest(1), used_up(20)), "rests", 4),
    (lambda: (rest(4), used_up(22)), "rests", 4),
    (lambda: (rest(1), accounts(next_send_at=NOW + 2 * HOUR)), "rests", 2),
    (lambda: (rest(1), rows(not_before=NOW + 3 * HOUR)), "rests", 3),
    (lambda: (used_up(23), accounts(next_send_at=NOW + 2 * HOUR)), "limit", 2),
    (lambda: (mailings(start_at=NOW + HOUR), used_up(20)), "scheduled", 4),
    (lambda: (mailings(start_at=NOW + HOUR), rest(3)), "scheduled", 3),
    (
        lambda: (
            business_time(business_time_start="13:00", business_time_end="17:30"),
            used_up(20),
        ),
        "outside business hours",
        4,
    ),
    # The limit frees after the end of business on Wednesday.
    (lambda: (business_time(), used_up(14)), "limit", 20.5),
]


@pytest.mark.parametrize("number", range(len(WAIT_IN_WAIT)))
def test_it_goes_on_when_the_last_of_its_causes_has_passed(mailing, number):
    causes, words, hours = WAIT_IN_WAIT[number]
    causes()

    reason, next_at = why(mailing)

    assert words in reason
    moment = dt.timedelta(microseconds=1)
    assert next_at - NOW in (hours * HOUR, hours * HOUR + moment)
    of_it = explain_account(EmailAccount.objects.get(), now=NOW)
    if words != "scheduled":
        assert (of_it.reason, of_it.next_at) == (reason, next_at)


def test_a_wait_behind_which_a_person_must_act_has_no_end(mailing):
    rest(1)
    accounts(per_day=0)

    assert "rests" in why(mailing)[0]
    assert why(mailing)[1] is None


def test_a_start_is_told_although_an_account_is_stopped(mailing):
    accounts(state="stopped")
    mailings(start_at=NOW + HOUR)

    assert why(mailing) == ("It is scheduled for a later time.", NOW + HOUR)


# In the order in which they are told; each one hides all that follow.
CAUSES = [
    ("cancelled", lambda: mailings(status="I"), "It was cancelled"),
    ("preparing", lambda: mailings(prepared_at=None), "still being prepared"),
    ("paused", lambda: mailings(status="P"), "It was paused"),
    ("stopped", lambda: mailings(stop_reason="reputation"), "It was stopped"),
    ("scheduled", lambda: mailings(start_at=NOW + HOUR), "scheduled"),
    ("hours", lambda: business_time(business_days=[6]), "outside business hours"),
    ("account", lambda: accounts(state="stopped"), "is stopped"),
    ("quota", lambda: accounts(per_day=0), "one of its limits is 0"),
    ("gap", lambda: accounts(next_send_at=NOW + HOUR), "between two messages"),
    ("later", lambda: rows(not_before=NOW + HOUR), "tried again later"),
    ("answer", lambda: hand_over(seconds=90), "waits for its server's answer"),
    ("beat", lambda: Heartbeat.objects.all().delete(), "scheduler"),
]


@pytest.mark.parametrize("position", range(len(CAUSES)), ids=[c[0] for c in CAUSES])
def test_the_first_cause_is_told(mailing, position):
    for _name, cause, _words in reversed(CAUSES[position:]):
        cause()

    assert CAUSES[position][2] in why(mailing)[0]


def of_account(now=NOW):
    found = explain_account(EmailAccount.objects.get(), now=now)
    return found.reason


ACCOUNT_CAUSES = [
    ("stopped", lambda: accounts(state="stopped"), "is stopped"),
    ("hours", lambda: business_time(business_days=[6]), "outside business hours"),
    ("quota", lambda: accounts(per_day=0), "one of its limits is 0"),
    ("gap", lambda: accounts(next_send_at=NOW + HOUR), "between two messages"),
    ("later", lambda: rows(not_before=NOW + HOUR), "tried again later"),
    ("answer", lambda: hand_over(seconds=90), "waits for its server's answer"),
    ("beat", lambda: Heartbeat.objects.all().delete(), "scheduler"),
]


@pytest.mark.parametrize(
    "position", range(len(ACCOUNT_CAUSES)), ids=[c[0] for c in ACCOUNT_CAUSES]
)
def test_an_account_tells_its_first_cause(mailing, position):
    for _name, cause, _words in reversed(ACCOUNT_CAUSES[position:]):
        cause()

    assert ACCOUNT_CAUSES[position][2] in of_account()


def test_an_account_that_is_not_hindered_sends(mailing):
    assert of_account() == "It sends what is waiting."
    rows(status="sent")
    assert of_account() == "Nothing waits for it."


def test_business_hours_do_not_hold_an_alert(mailing):
    business_time(business_days=[6])
    rows(mailing=None, kind="alert")

    assert of_account() == "It sends what is waiting."


@pytest.mark.parametrize("by_recipient", [False, True])
def test_an_alert_that_is_tried_again_later_opens_no_hours(mailing, by_recipient):
    business_time(use_recipient_time_zone=by_recipient)
    Delivery.objects.create(
        kind="alert",
        email_account=EmailAccount.objects.get(),
        queued_at=NOW,
        not_before=EVENING + HOUR,
    )

    found = explain_account(EmailAccount.objects.get(), now=EVENING)

    assert "outside business hours" in found.reason
    assert found.next_at == EVENING + HOUR


def test_an_explanation_without_a_time_needs_a_person():
    assert Explanation("Why").next_at is None
