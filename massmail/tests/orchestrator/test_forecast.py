"""When a mailing will be finished: against one that is sent on a virtual clock."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    MassmailSettings,
)
from massmail.orchestrator.forecast import forecast
from massmail.orchestrator.lifecycle import launch
from massmail.sending import pacing
from massmail.sending.business_time import business_time
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MainAccountFactory,
    SendAttemptFactory,
    UserFactory,
)
from massmail.tests.mailings import bare_rows, draft, ready_settings
from massmail.tests.orchestrator import simulation
from massmail.tests.orchestrator.simulation import EvenDraws, MeanDraws, simulate

pytestmark = pytest.mark.django_db
# A Wednesday in New York, whose clocks go forward on the Sunday after it.
NOW = dt.datetime(2027, 3, 10, 15, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
TOLERANCE = 0.05
# A walk that no wake-up precedes may come so much later.
WALK = 5.0


@pytest.fixture(autouse=True)
def mean_gaps(monkeypatch):
    monkeypatch.setattr(pacing, "_random", MeanDraws())


def open_seconds(start, end):
    """The time between two moments in which mailings may be sent."""
    hours = business_time(MassmailSettings.load())
    if hours is None:
        return (end - start).total_seconds()
    total, moment = 0.0, start
    while (opening := hours.next_opening(moment)) < end:
        closing = hours.hours(opening.astimezone(hours.zone).date())[1]
        total += (min(closing, end) - opening).total_seconds()
        moment = closing
    return total


def assert_as_forecast(mailing, now=NOW, walk=WALK):
    """Each account ends when it was said, to the twentieth part of its time."""
    said = forecast(mailing, now=now)
    expected = {share.account.pk: share.finish_at for share in said.accounts}
    found = simulate(mailing, now)
    assert expected.keys() == found.keys()
    for account_id, finish_at in found.items():
        taken = open_seconds(now, finish_at)
        expected_seconds = open_seconds(now, expected[account_id])
        assert abs(expected_seconds - taken) <= TOLERANCE * taken + walk
    assert said.finish_at == max(expected.values())


def launched_by(owner, customers, now=NOW):
    return launch(draft(owner, customers=customers), by=owner, now=now)


@contextmanager
def rolled_back():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_gaps_alone(monkeypatch):
    monkeypatch.setattr(pacing, "_random", EvenDraws())
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, min_gap_seconds=15, max_gap_seconds=35)

    assert_as_forecast(launched_by(owner, 40))


def test_the_wait_for_one_mail_and_for_the_gap_before_it():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(
        owner=owner,
        min_gap_seconds=15,
        max_gap_seconds=35,
        next_send_at=NOW + dt.timedelta(seconds=30),
    )
    mailing = launched_by(owner, 1)

    said = forecast(mailing, now=NOW)

    assert said.finish_at == NOW + dt.timedelta(seconds=30.2)


def test_several_accounts_with_a_daily_limit_in_business_time_over_a_holiday():
    """Also over the weekend on which the clocks go forward."""
    ready_settings(
        use_business_time=True,
        time_zone="America/New_York",
        extra_holidays=["2027-03-11"],
        emails_per_day=12,
    )
    owner = UserFactory()
    main = MainAccountFactory(owner=owner, per_hour=3)
    for gap in (15, 600):
        EmailAccountFactory(
            owner=owner, min_gap_seconds=gap, max_gap_seconds=2 * gap, per_day=None
        )
    mailing = draft(owner, customers=60)
    vips = list(mailing.deliveries.values_list("mass_contact", flat=True)[:5])
    MassContact.objects.filter(pk__in=vips).update(is_vip=True)
    launch(mailing, by=owner, now=NOW)
    assert Delivery.objects.filter(email_account=main).count() == 5

    assert_as_forecast(mailing)

    last = Delivery.objects.order_by("-sent_at").first().sent_at
    assert last.astimezone(ZoneInfo("America/New_York")).date() > dt.date(2027, 3, 14)


def test_recipients_on_three_continents_by_their_own_clocks():
    """Sydney opens as New York closes; Mars is taken for the installation's zone."""
    ready_settings(
        use_business_time=True,
        use_recipient_time_zone=True,
        time_zone="Europe/Berlin",
        emails_per_day=20,
    )
    owner = UserFactory()
    EmailAccountFactory.create_batch(2, owner=owner, per_day=None, per_hour=4)
    mailing = launched_by(owner, 50)
    zones = ["America/New_York", "Australia/Sydney", "Mars/Olympus", ""]
    for position, row in enumerate(mailing.deliveries.order_by("pk")):
        Delivery.objects.filter(pk=row.pk).update(time_zone=zones[position % 4])

    said = forecast(mailing, now=NOW)
    found = simulate(mailing, NOW)

    for share in said.accounts:
        taken = (found[share.account.pk] - NOW).total_seconds()
        error = abs((share.finish_at - found[share.account.pk]).total_seconds())
        assert error <= TOLERANCE * taken
    hours = business_time(MassmailSettings.load())
    for zone, began_at in mailing.deliveries.values_list("time_zone", "sending_at"):
        assert hours.at(zone).is_open(began_at)


@pytest.mark.parametrize(
    ("lanes", "seconds", "customers"),
    [(1, 0.02, 60), (2, 0.02, 60), (1, 3.0, 60), (2, 3.0, 60), (2, 40.0, 15)],
)
def test_a_server_is_as_slow_as_it_was_lately(monkeypatch, lanes, seconds, customers):
    """Where no limit and no gap is in reach, its answers alone set the pace."""
    monkeypatch.setattr(simulation, "SECONDS_PER_MESSAGE", seconds)
    ready_settings(emails_per_day=1000)
    owner = UserFactory()
    account = EmailAccountFactory(owner=owner, max_connections=lanes)
    answered = NOW - 2 * HOUR
    for number in range(40):
        pause = HOUR / 2 if number == 20 else dt.timedelta(seconds=seconds / lanes)
        answered += pause
        SendAttemptFactory(email_account=account, occurred_at=answered, outcome="sent")

    assert_as_forecast(launched_by(owner, customers), walk=WALK if seconds > 1 else 0.0)


def test_a_server_slower_than_the_gaps_sets_the_pace(monkeypatch):
    monkeypatch.setattr(simulation, "SECONDS_PER_MESSAGE", 40.0)
    ready_settings(emails_per_day=1000)
    owner = UserFactory()
    account = EmailAccountFactory(owner=owner, min_gap_seconds=15, max_gap_seconds=35)
    for number in range(40):
        answered = NOW - HOUR + number * dt.timedelta(seconds=40)
        SendAttemptFactory(email_account=account, occurred_at=answered, outcome="sent")

    assert_as_forecast(launched_by(owner, 15))


def test_what_was_sent_before_takes_its_place_in_the_windows():
    ready_settings()
    owner = UserFactory()
    account = EmailAccountFactory(owner=owner, per_day=10)
    for hours in range(1, 9):
        SendAttemptFactory(email_account=account, occurred_at=NOW - hours * HOUR)

    assert_as_forecast(launched_by(owner, 13))


def test_what_the_account_sends_first():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, per_hour=5)
    launched_by(owner, 7, now=NOW - HOUR)
    account = EmailAccount.objects.get()
    alert = DeliveryFactory(email_account=account)
    Delivery.objects.filter(pk=alert.pk).update(kind="alert", mailing=None)
    second = MailingOutFactory(owner=owner, launched=True, launched_at=NOW)
    DeliveryFactory.create_batch(
        4, mailing=second, email_account=account, not_before=NOW
    )

    [share] = forecast(second, now=NOW).accounts

    # Twelve mails at five an hour: the last two leave in the third hour.
    assert share.waiting == 4
    assert 2 * HOUR < share.finish_at - NOW < 2 * HOUR + HOUR / 30


def test_a_mailing_of_which_only_the_rest_goes_on_is_ahead():
    """Its uncertain rows need a person; one that is stopped is not sent first."""
    owner = UserFactory()
    account = EmailAccountFactory(owner=owner, per_hour=5)
    first, second = (
        MailingOutFactory(
            owner=owner, launched=True, launched_at=NOW - wait, status=is_
        )
        for wait, is_ in [(HOUR, "E"), (0 * HOUR, "A")]
    )
    DeliveryFactory.create_batch(5, mailing=first, email_account=account)
    DeliveryFactory(mailing=second, email_account=account)

    assert forecast(second, now=NOW).finish_at >= NOW + HOUR

    MailingOut.objects.filter(pk=first.pk).update(stop_reason="complaints")
    assert forecast(second, now=NOW).finish_at < NOW + HOUR


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("by_recipient", [False, True])
def test_rows_of_drafts_cost_nothing(plans, analysed, by_recipient):
    """What is ahead is found by its mailing, or by having none."""
    MassmailSettings(
        use_business_time=True, use_recipient_time_zone=by_recipient
    ).save()
    account = EmailAccountFactory(per_hour=5)
    running, earlier, planned = (
        MailingOutFactory(
            owner=account.owner, launched=True, launched_at=NOW - HOUR * n
        )
        for n in range(3)
    )
    MailingOut.objects.filter(pk=planned.pk).update(status="P", launched_at=None)
    for mailing, rows in [(running, 9), (earlier, 9), (planned, 500)]:
        bare_rows(mailing, account, rows)

    found = plans(lambda: forecast(running, now=NOW), "massmail_delivery", analysed)

    assert found
    for plan in found:
        assert re.search(
            r"(Index Cond|Index Only|USING).*mailing_id *(=|IS NULL)", plan
        )


def test_a_stopped_account_has_no_end_and_a_paused_one_begins_later():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, state="stopped")
    paused = EmailAccountFactory(
        owner=owner, state="paused", paused_until=NOW + 2 * HOUR
    )
    mailing = MailingOutFactory(owner=owner, launched=True)
    for account in EmailAccount.objects.all():
        DeliveryFactory(mailing=mailing, email_account=account)

    said = forecast(mailing, now=NOW)

    ends = {share.account.pk: share.finish_at for share in said.accounts}
    assert said.finish_at is None
    assert None in ends.values()
    assert NOW + 2 * HOUR <= ends[paused.pk] <= NOW + 2 * HOUR + HOUR / 60


def test_who_is_tried_again_later_is_waited_for():
    """Also when that is at night, by the clock of the recipient himself."""
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner)
    mailing = launched_by(owner, 3)
    row = mailing.deliveries.last()
    Delivery.objects.filter(pk=row.pk).update(not_before=NOW + 5 * HOUR)

    said = forecast(mailing, now=NOW)

    assert said.finish_at == NOW + 5 * HOUR + dt.timedelta(seconds=0.2)

    Delivery.objects.filter(pk=row.pk).update(time_zone="Asia/Tokyo")
    MassmailSettings(use_business_time=True, use_recipient_time_zone=True).save()
    morning = dt.datetime(2027, 3, 10, 23, 30, tzinfo=dt.UTC)
    assert forecast(mailing, now=NOW).finish_at == morning + dt.timedelta(seconds=0.2)


def test_a_pause_without_an_end_has_none():
    mailing = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, email_account__state="paused")

    assert forecast(mailing, now=NOW).finish_at is None


def test_a_limit_of_none_at_all_has_no_end():
    mailing = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, email_account__per_day=0)

    assert forecast(mailing, now=NOW).finish_at is None


def test_a_draft_is_forecast_as_if_it_were_launched_now():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory.create_batch(2, owner=owner, per_hour=3)
    mailing = draft(owner, customers=15)
    before = forecast(mailing, now=NOW)

    launch(mailing, by=owner, now=NOW)

    after = forecast(mailing, now=NOW)
    assert [share.waiting for share in before.accounts] == [8, 7]
    assert [share.finish_at for share in before.accounts] == [
        share.finish_at for share in after.accounts
    ]


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"min_gap_seconds": 15, "max_gap_seconds": 35}, 0.2),
        ({"per_hour": 5}, 3.5),
    ],
    ids=str,
)
def test_who_will_not_be_mailed_before_it_expires(fields, hours):
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, **fields)
    mailing = launched_by(owner, 40)
    mailing.expires_at = NOW + hours * HOUR

    said = forecast(mailing, now=NOW)

    simulate(mailing, NOW)
    late = mailing.deliveries.filter(sending_at__gte=mailing.expires_at).count()
    assert 0 < late < 40
    assert abs(said.too_late - late) <= 1
    assert said.finish_at == said.accounts[0].finish_at == mailing.expires_at


def test_a_capped_domain_may_keep_them_from_it():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, per_domain_hour=4)
    mailing = draft(owner, customers=40)
    mailing.expires_at = NOW + 4.5 * HOUR

    assert forecast(mailing, now=NOW).too_late == 20


def test_an_end_that_is_late_enough_changes_nothing():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, per_hour=3)
    mailing = launched_by(owner, 10)
    before = forecast(mailing, now=NOW)

    mailing.expires_at = before.finish_at

    assert forecast(mailing, now=NOW) == before
    assert before.too_late == 0


def test_what_the_account_sends_first_may_take_all_the_time():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner, per_hour=5)
    launched_by(owner, 7, now=NOW - HOUR)
    second = MailingOutFactory(
        owner=owner, launched=True, launched_at=NOW, expires_at=NOW + 1.5 * HOUR
    )
    account = EmailAccount.objects.get()
    DeliveryFactory.create_batch(4, mailing=second, email_account=account)

    # Five of the first, then two of them and three of the second's.
    assert forecast(second, now=NOW).too_late == 1

    second.expires_at = NOW + HOUR / 2
    assert forecast(second, now=NOW).too_late == 4


@pytest.mark.parametrize(
    "fields", [{"state": "stopped"}, {"state": "paused"}, {"per_day": 0}], ids=str
)
def test_who_waits_for_a_person_is_mailed_by_no_end(fields):
    mailing = MailingOutFactory(launched=True, expires_at=NOW + DAY)
    account = EmailAccountFactory(owner=mailing.owner, **fields)
    DeliveryFactory.create_batch(2, mailing=mailing, email_account=account)

    said = forecast(mailing, now=NOW)

    assert (said.finish_at, said.too_late) == (None, 2)


def test_who_is_tried_again_after_the_end_is_not_mailed():
    ready_settings()
    owner = UserFactory()
    EmailAccountFactory(owner=owner)
    mailing = launched_by(owner, 3)
    row = mailing.deliveries.last()
    Delivery.objects.filter(pk=row.pk).update(not_before=NOW + 5 * HOUR)
    mailing.expires_at = NOW + 4 * HOUR

    said = forecast(mailing, now=NOW)

    assert (said.finish_at, said.too_late) == (NOW + 4 * HOUR, 1)


def test_nothing_is_promised_once_it_has_expired():
    mailing = MailingOutFactory(launched=True, expires_at=NOW - HOUR)
    DeliveryFactory(mailing=mailing)

    said = forecast(mailing, now=NOW)

    assert (said.finish_at, said.too_late) == (NOW, 1)


limits = st.none() | st.integers(2, 9)
gaps = st.sampled_from([(0, 0), (2, 4), (15, 35), (120, 900)])
accounts = st.fixed_dictionaries(
    {"per_minute": limits, "per_hour": limits, "per_day": limits, "gap": gaps}
)
business_days = st.sets(st.integers(0, 6), min_size=1).map(sorted)


@pytest.mark.timeout(600)
@example(
    chosen=[{"per_minute": 2, "per_hour": None, "per_day": None, "gap": (15, 35)}],
    customers=9,
    days=None,
    start=NOW,
)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(
    chosen=st.lists(accounts, min_size=1, max_size=2),
    customers=st.integers(3, 15),
    days=st.none() | business_days,
    start=st.integers(0, 270 * 24 * 60).map(lambda minutes: NOW + minutes * HOUR / 60),
)
def test_any_pace_in_any_hours(chosen, customers, days, start):
    with rolled_back():
        hours = {} if days is None else {"business_days": days}
        ready_settings(
            use_business_time=days is not None,
            time_zone="America/New_York",
            holiday_calendar="US",
            **hours,
        )
        owner = UserFactory()
        for fields in chosen:
            shortest, longest = fields["gap"]
            EmailAccountFactory(
                owner=owner,
                min_gap_seconds=shortest,
                max_gap_seconds=longest,
                **{name: fields[name] for name in fields if name != "gap"},
            )
        mailing = launched_by(owner, customers, start)
        assert_as_forecast(
            mailing, start, walk=WALK * (1 + minutes_of(chosen, customers))
        )


def minutes_of(chosen, mails):
    """How often an account may wait for the next minute: each time for a walk, too."""
    return max(mails / (fields["per_minute"] or mails) for fields in chosen)
