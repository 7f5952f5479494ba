"""A new mailbox's limit grows day by day until it reaches its target."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import EmailAccount, MassmailSettings
from massmail.sending.claiming import claim_batch
from massmail.sending.quotas import limits_at, room
from massmail.sending.warm_up import daily_limit, next_step
from massmail.tests.factories import NOW

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


def account(began: dt.datetime | None = NOW, **fields) -> EmailAccount:
    fields = {"warm_up_start": 20, "warm_up_growth": 10} | fields
    return EmailAccount(warm_up_began_at=began, **fields)


@pytest.mark.parametrize(
    ("after", "limit"),
    [
        (dt.timedelta(0), 20),
        (DAY - SECOND, 20),
        (DAY, 30),
        (3 * DAY, 50),
        (8 * DAY, 100),
        (80 * DAY, 100),
        (-DAY, 20),
    ],
)
def test_the_limit_grows_to_its_target(after, limit):
    assert daily_limit(account(), 100, NOW + after) == limit


def test_without_a_start_there_is_no_warm_up():
    assert daily_limit(account(warm_up_start=None), 100, NOW) == 100


def test_it_is_the_first_day_until_a_message_was_sent():
    assert daily_limit(account(None), 100, NOW + 9 * DAY) == 20
    assert next_step(account(None), 100, NOW) is None


def test_the_next_step_is_known_until_the_target_is_reached():
    assert next_step(account(), 100, NOW) == NOW + DAY
    assert next_step(account(), 100, NOW + DAY) == NOW + 2 * DAY
    assert next_step(account(), 100, NOW + 8 * DAY) is None


def test_the_target_of_an_account_without_a_limit_is_that_of_the_settings():
    defaults = MassmailSettings(emails_per_day=25)

    assert limits_at(account(), defaults, NOW) == [(DAY, 20)]
    assert limits_at(account(), defaults, NOW + 9 * DAY) == [(DAY, 25)]


@pytest.mark.django_db
class TestClaims:
    @pytest.fixture
    def warming(self, limits):
        limits(per_day=100, warm_up_start=2, warm_up_growth=1)

    def test_the_first_claim_begins_it(self, warming, rows, account, token):
        rows(5)
        assert len(claim_batch(account.pk, token, now=NOW).deliveries) == 2

        account.refresh_from_db()
        assert account.warm_up_began_at == NOW

    def test_a_claim_of_nothing_does_not_begin_it(self, warming, account, token):
        claim_batch(account.pk, token, now=NOW)

        account.refresh_from_db()
        assert account.warm_up_began_at is None

    def test_it_goes_on_when_the_limit_grows(self, warming, account, attempts, rows):
        """Before the first messages leave the window."""
        began = NOW - DAY + dt.timedelta(hours=1)
        EmailAccount.objects.update(warm_up_began_at=began)
        account.refresh_from_db()
        attempts(60, 30)

        found = room(account, MassmailSettings(), now=NOW, wanted=9)

        assert (found.count, found.next_at) == (0, NOW + dt.timedelta(hours=1))
        later = NOW + dt.timedelta(hours=1)
        assert room(account, MassmailSettings(), now=later, wanted=9).count == 1
