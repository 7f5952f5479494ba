"""What a message costs the database, in statements and plans: no seconds here."""

from __future__ import annotations

import contextlib

import pytest
from django.db import connection

from massmail.backends.phases import Phase, Reply
from massmail.models import Delivery, MassmailSettings
from massmail.models.email_account import new_token
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.handover import HandOvers
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.run import Run
from massmail.orchestrator.send import never
from massmail.sending.claiming import claim_batch, due_ids
from massmail.sending.lanes import take_lanes
from massmail.sending.outcomes import classify
from massmail.sending.recording import Result
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.mailings import draft, ready_settings
from massmail.tests.planning import use_statistics

pytestmark = pytest.mark.django_db

LANES = 8
ACCEPTED = Reply(250, "2.0.0", "queued")
# PostgreSQL does it all at once.
PER_COMMIT = {"postgresql": 1, "sqlite": 4}


class Statements(list):
    """The SQL of all statements inside `counted()`, but not of the test's frame."""

    def __call__(self, execute, sql, *args):
        if "SAVEPOINT" not in sql:
            self.append(sql)
        return execute(sql, *args)


@contextlib.contextmanager
def counted():
    statements = Statements()
    with connection.execute_wrapper(statements):
        yield statements


@pytest.fixture
def new_tables(db):
    """As after the first migration, and autovacuum stays away until the test is over.

    It sees none of the test's uncommitted rows: what it would say, "pages and not one
    row", has PostgreSQL read the whole table, and is true of no table in use.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE massmail_delivery, massmail_masscontact CASCADE")


@pytest.fixture
def account(new_tables):
    ready_settings()
    mailing = draft(customers=2_000)
    account = EmailAccountFactory(owner=mailing.owner, max_connections=LANES)
    launch(mailing, by=mailing.owner)
    return account


@pytest.fixture
def run(account):
    """With its lanes, as `execute` has it."""
    token, clock = new_token(), Clock()
    take_lanes(account, token, wanted=LANES, now=clock())
    run = Run(account, token, clock=clock, stop=never)
    run._hand_overs = HandOvers(account, token, lanes=LANES)
    return run


def claimed(run):
    return claim_batch(run.account.pk, new_token(), now=run.now(), batches=LANES)


def answered(rows):
    outcome = classify(Phase.DOT, ACCEPTED)
    return [Result(row, outcome, ACCEPTED, announced=True) for row in rows]


def test_a_commit_of_eight_connections_takes_a_few_statements(run):
    rows = claimed(run).deliveries[: 3 * LANES]
    first, second, third = rows[:LANES], rows[LANES : 2 * LANES], rows[2 * LANES :]
    run._write([], first)
    run._account_works = True
    run._write(answered(first), second)

    with counted() as statements:
        found = run._write(answered(second), third)

    assert len(found.granted) == LANES
    assert len(statements) <= PER_COMMIT[connection.vendor], statements
    sent = Delivery.objects.filter(status="sent")
    assert set(sent.values_list("pk", flat=True)) == {
        row.pk for row in [*first, *second]
    }


def test_a_claim_takes_the_same_statements_for_any_number_of_rows(run):
    with counted() as statements:
        rows = claimed(run).deliveries

    assert len(rows) == 50 * LANES
    # With those of a commit half a statement for each message at most.
    assert len(statements) <= 16, statements


@pytest.mark.parametrize("analysed", [False, True])
def test_due_rows_come_from_the_index_of_the_queue(account, analysed):
    use_statistics(analysed)

    with counted() as statements:
        due_ids(account, MassmailSettings.load(), now=Clock()(), count=50)

    last = statements[-1]
    assert "LIMIT 50" in last
    assert "delivery_queue" in plan_of(account)


def plan_of(account):
    """Of the rows that a claim takes next."""
    mailing = account.deliveries.first().mailing_id
    due = Delivery.objects.due(Clock()()).filter(
        email_account=account, mailing_id=mailing
    )
    ordered = due.order_by("priority", "not_before", "pk").values_list("pk", flat=True)
    return ordered[:50].explain()


@pytest.mark.parametrize("analysed", [False, True])
def test_a_hand_over_finds_its_rows_by_their_ids(run, analysed):
    ids = [row.pk for row in claimed(run).deliveries[:LANES]]
    mailing = Delivery.objects.get(pk=ids[0]).mailing_id
    hand_over = run._hand_overs.rechecks.of(mailing).statements.hand_over
    use_statistics(analysed)

    plan = hand_over.plan(ids)

    by_ids = {"postgresql": "massmail_delivery_pkey", "sqlite": "INTEGER PRIMARY KEY"}
    assert by_ids[connection.vendor] in plan
    # Not even what is small today: no table is read as a whole for eight rows.
    assert "hashed" not in plan
