"""Rows are added with an account; only the launch gives it to them."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.db import NotSupportedError, connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from massmail.audience.snapshot import create_mailing
from massmail.models import (
    EmailAccount,
    EmlAccountsQueue,
    MassContact,
    planned_accounts,
)
from massmail.models.planned_accounts import drop_plans, waiting_for
from massmail.orchestrator import launching
from massmail.orchestrator.explain import explain
from massmail.orchestrator.forecast import forecast
from massmail.orchestrator.launching import launch_mailings
from massmail.orchestrator.lifecycle import cancel, launch, order_launch
from massmail.orchestrator.repair import held_up_by
from massmail.orchestrator.waiting import explain_account
from massmail.reports.status import recipients
from massmail.tests.factories import (
    NOW,
    EmailAccountFactory,
    EmlMessageFactory,
    MainAccountFactory,
    SuppressedAddressFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import (
    add_customers,
    draft,
    give_accounts,
    ready_settings,
    row_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]
STOPPED = EmailAccount.State.STOPPED


@pytest.fixture
def boris(db):
    return UserFactory(username="boris")


@pytest.fixture
def pair(anna):
    """Two accounts of Anna's."""
    ready_settings()
    return [EmailAccountFactory(owner=anna, name=name) for name in "ab"]


def shares(mailing):
    rows = mailing.deliveries.filter(status="queued")
    return dict(Counter(rows.values_list("email_account__name", flat=True)))


def rewritten(action):
    """How many rows of the ledger an action gives another account."""
    with CaptureQueriesContext(connection) as queries:
        action()
    words = 'UPDATE "massmail_delivery" SET "email_account_id"'
    return sum(words in query["sql"] for query in queries)


@pytest.mark.usefixtures("pair")
def test_a_plan_moves_no_turn_and_binds_nobody(anna):
    mailing = draft(anna, customers=5)

    assert shares(mailing) == {"a": 3, "b": 2}
    assert not EmlAccountsQueue.objects.exists()
    assert not MassContact.objects.exclude(email_account=None).exists()


@pytest.mark.usefixtures("pair")
def test_a_launch_writes_no_row_whose_plan_holds(anna):
    mailing = draft(anna, customers=6)

    assert rewritten(lambda: launch(mailing, by=anna, now=NOW)) == 0

    assert shares(mailing) == {"a": 3, "b": 3}
    bound = MassContact.objects.values_list("email_account__name", flat=True)
    assert Counter(bound) == {"a": 3, "b": 3}


@pytest.mark.usefixtures("pair")
def test_of_two_drafts_prepared_at_once_the_second_goes_on_with_the_turn(anna):
    message = EmlMessageFactory(owner=anna)
    one, two = (
        create_mailing(
            owner=anna,
            message=message,
            recipients=Customer.objects.filter(pk=customer.pk),
        )
        for customer in add_customers(anna, 2)
    )
    assert shares(one) == shares(two) == {"a": 1}

    give_accounts(two)
    give_accounts(one)

    assert shares(two) == {"a": 1}
    assert shares(one) == {"b": 1}


@pytest.mark.usefixtures("pair")
def test_an_account_that_came_since_gets_its_share(anna):
    mailing = draft(anna, customers=9)
    EmailAccountFactory(owner=anna, name="c")

    assert shares(give_accounts(mailing)) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize(
    "changes",
    [{"state": STOPPED}, {"for_massmail": False}, {"is_main": True}],
    ids=str,
)
def test_an_account_that_serves_no_more_gets_nobody(anna, pair, changes):
    mailing = draft(anna, customers=4)
    EmailAccount.objects.filter(pk=pair[0].pk).update(**changes)

    assert shares(give_accounts(mailing)) == {"b": 4}


def test_an_account_that_was_given_away_gets_nobody(anna, boris, pair):
    mailing = draft(anna, customers=4)
    EmailAccount.objects.filter(pk=pair[0].pk).update(owner=boris)

    assert shares(give_accounts(mailing)) == {"b": 4}


def test_without_any_account_left_rows_keep_none(anna, boris, pair):
    mailing = draft(anna, customers=2)
    EmailAccount.objects.update(owner=boris)

    give_accounts(mailing)

    assert mailing.skip_counts() == {"no_account": 2}
    assert not mailing.deliveries.exclude(email_account=None).exists()


def test_who_became_a_vip_since_is_mailed_from_the_main_account(anna, pair):
    MainAccountFactory(owner=anna, name="main")
    mailing = draft(anna, customers=3)
    vip = mailing.deliveries.first().mass_contact
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True)

    give_accounts(mailing)

    assert mailing.deliveries.get(mass_contact=vip).email_account.name == "main"
    assert shares(mailing).keys() == {"main", "a", "b"}


def test_known_recipients_are_planned_for_their_own_account(anna, pair):
    MainAccountFactory(owner=anna, name="main")
    draft(anna, customers=4)
    vip = MassContact.objects.first()
    MassContact.objects.update(email_account=pair[1])
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True)

    mailing = draft(anna, customers=0)

    assert shares(mailing) == {"main": 1, "b": 3}
    assert rewritten(lambda: give_accounts(mailing)) == 0


@pytest.mark.usefixtures("pair")
def test_who_is_skipped_at_launch_names_no_account(anna):
    mailing = draft(anna, customers=2)
    SuppressedAddressFactory(address="customer0@example.com")

    launch(mailing, by=anna, now=NOW)

    row = row_of(mailing, "customer0@example.com")
    assert (row.status, row.email_account) == ("skipped", None)


def test_nothing_waits_for_an_account_through_a_draft(anna, pair):
    mailing = draft(anna, customers=2)
    account = pair[0]

    assert explain_account(account).reason == "Nothing waits for it."
    assert not held_up_by(account).exists()
    assert {row["account"] for row in recipients(mailing)} == {None}
    launch(mailing, by=anna, now=NOW)
    assert held_up_by(account).count() == 1
    assert explain_account(account).reason != "Nothing waits for it."
    assert None not in {row["account"] for row in recipients(mailing)}


def test_what_waits_is_found_past_the_rows_of_drafts(anna, pair, plans):
    """PostgreSQL names the mailing where its statistics say that it is worth it."""
    launch(draft(anna, customers=2), by=anna, now=NOW)
    draft(anna, customers=0)

    [plan] = plans(lambda: waiting_for(pair[0]).exists(), "massmail_delivery")

    by_key = {
        "postgresql": r"Index Cond: \(+email_account_id = ",
        "sqlite": r"\(email_account_id=\? AND mailing_id=\?\)",
    }
    assert re.search(by_key[connection.vendor], plan)


def test_a_draft_is_forecast_by_the_accounts_of_today(anna, pair):
    mailing = draft(anna, customers=4)
    EmailAccount.objects.filter(pk=pair[0].pk).update(state=STOPPED)

    [share] = forecast(mailing).accounts

    assert (share.account, share.waiting) == (pair[1], 4)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_plan_keeps_no_account_from_being_deleted(anna, pair, is_cancelled):
    mailing = draft(anna, customers=4)
    if is_cancelled:
        cancel(mailing, by=anna)

    pair[0].delete()

    assert mailing.deliveries.filter(email_account=None).count() == 2
    assert mailing.deliveries.count() == 4


def test_an_account_is_kept_by_what_was_launched(anna, pair):
    launch(draft(anna, customers=4), by=anna, now=NOW)
    drafted = draft(anna, customers=0)

    with pytest.raises(ProtectedError):
        pair[0].delete()

    assert not drafted.deliveries.filter(email_account=None).exists()


@pytest.mark.parametrize("is_set", [False, True])
def test_a_deletion_writes_the_rows_of_drafts_bit_by_bit(
    anna, pair, monkeypatch, is_set
):
    monkeypatch.setattr(planned_accounts, "CHUNK", 2)
    drafted = draft(anna, customers=10)
    accounts = EmailAccount.objects.filter(pk=pair[0].pk)

    with CaptureQueriesContext(connection) as queries:
        (accounts if is_set else accounts.get()).delete()

    words = 'UPDATE "massmail_delivery" SET "email_account_id" = NULL'
    written = [query for query in queries if words in query["sql"]]
    assert len(written) > 3
    assert shares(drafted) == {None: 5, "b": 5}
    assert not accounts.exists()


@pytest.mark.parametrize(
    "refused",
    [
        lambda accounts: accounts[:1],
        lambda accounts: accounts.values_list("pk", flat=True),
        lambda accounts: accounts.values(),
        lambda accounts: accounts.distinct("name"),
        lambda accounts: accounts.union(accounts),
    ],
    ids=["slice", "list of values", "values", "distinct", "union"],
)
def test_what_django_does_not_delete_keeps_its_plans(anna, pair, refused):
    drafted = draft(anna, customers=4)

    with pytest.raises((TypeError, NotSupportedError)):
        refused(EmailAccount.objects.order_by("name")).delete()

    assert shares(drafted) == {"a": 2, "b": 2}


def test_plans_are_dropped_bit_by_bit(anna, pair, monkeypatch):
    monkeypatch.setattr(planned_accounts, "CHUNK", 2)
    drafted, launched = draft(anna, customers=10), draft(anna, customers=0)
    launch(launched, by=anna, now=NOW)

    assert not drop_plans([pair[0]], seconds=-1)
    assert shares(drafted) == {"a": 5, "b": 5}

    with CaptureQueriesContext(connection) as queries:
        assert drop_plans([pair[0]], seconds=60)

    words = 'UPDATE "massmail_delivery" SET "email_account_id" = NULL'
    assert sum(words in query["sql"] for query in queries) == 3
    assert shares(drafted) == {None: 5, "b": 5}
    assert shares(launched) == {"a": 5, "b": 5}


def test_a_draft_that_is_launched_meanwhile_keeps_its_accounts(anna, pair, monkeypatch):
    mailing = draft(anna, customers=4)
    drop = planned_accounts.drop_some

    def launch_and_drop(*args):
        launch(mailing, by=anna, now=NOW)
        drop(*args)

    monkeypatch.setattr(planned_accounts, "drop_some", launch_and_drop)

    drop_plans([pair[0]], seconds=60)

    assert shares(mailing) == {"a": 2, "b": 2}


def test_plans_that_are_dropped_during_a_launch_are_made_anew(anna, pair, monkeypatch):
    monkeypatch.setattr("massmail.orchestrator.launching.CHUNK", 2)
    mailing = draft(anna, customers=4)
    order_launch(mailing, by=anna, now=NOW)
    launching.settle(mailing, launching.judged_rows(mailing))
    drop_plans([pair[0]], seconds=60)

    launch_mailings(seconds=60)

    assert None not in shares(mailing)
    mailing.refresh_from_db()
    assert mailing.status == "A"


def test_an_account_deleted_while_its_rows_are_checked_gets_nobody(
    anna, pair, monkeypatch
):
    monkeypatch.setattr("massmail.orchestrator.launching.CHUNK", 2)
    mailing = draft(anna, customers=4)
    order_launch(mailing, by=anna, now=NOW)
    launching.settle(mailing, launching.judged_rows(mailing))
    pair[0].delete()

    launch_mailings(seconds=60)

    assert shares(mailing) == {"b": 4}
    mailing.refresh_from_db()
    assert mailing.status == "A"
    assert "account" not in explain(mailing, now=NOW).reason


def test_an_account_deleted_in_the_last_moment_holds_up_the_launch(
    anna, pair, monkeypatch
):
    """Behind the last look for rows without an account, and before the last commit."""
    assign = launching.assign_accounts
    accounts = [pair[0]]

    def assign_and_delete(mailing, **kwargs):
        assign(mailing, **kwargs)
        while accounts:
            accounts.pop().delete()

    monkeypatch.setattr(launching, "assign_accounts", assign_and_delete)
    mailing = draft(anna, customers=4)

    launch(mailing, by=anna, now=NOW)

    assert shares(mailing) == {"b": 4}


def test_a_colleagues_recipients_are_planned_for_his_own_account(boris, pair):
    EmailAccountFactory(owner=boris, name="his")
    EmailAccountFactory(owner=UserFactory(), name="strange")

    assert shares(draft(boris, customers=2)) == {"his": 2}
