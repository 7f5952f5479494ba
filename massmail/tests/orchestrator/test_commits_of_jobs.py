"""Which commits of the jobs that prepare and launch wait for PostgreSQL's disk."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from massmail.audience import selection, snapshot
from massmail.audience.selection import prepare_selected, store_selection
from massmail.audience.snapshot import create_mailing
from massmail.orchestrator import launching
from massmail.orchestrator.lifecycle import launch
from massmail.tests.factories import EmailAccountFactory, EmlMessageFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, ready_settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@pytest.fixture
def waits(monkeypatch):
    """What was called, and whether its commit waits."""
    seen = []

    def watch(module, name):
        work = getattr(module, name)

        def watched(*args, **options):
            seen.append((name, synchronous_commit()))
            return work(*args, **options)

        monkeypatch.setattr(module, name, watched)

    for module in (selection, snapshot):
        watch(module, "add_newcomers")
        watch(module, "mark_prepared")
    watch(launching, "skip")
    watch(launching, "activate")
    return seen


def synchronous_commit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


def test_each_step_is_taken_again_if_it_is_lost_and_the_end_is_kept(anna, waits):
    """The end's commit brings the steps before it to the disk, too."""
    ready_settings()
    EmailAccountFactory(owner=anna)
    message = EmlMessageFactory(owner=anna)
    people = Customer.objects.filter(pk__in=[one.pk for one in add_customers(anna, 3)])
    mailing = store_selection(owner=anna, message=message, recipients=people)

    assert prepare_selected(mailing, seconds=60)
    launch(mailing, by=anna)

    assert waits == [
        ("add_newcomers", "off"),
        ("mark_prepared", "on"),
        ("skip", "off"),
        ("activate", "on"),
    ]
    assert synchronous_commit() == "on"


def test_what_python_makes_at_once_ends_in_the_same_way(anna, waits):
    add_customers(anna, 3)
    message = EmlMessageFactory(owner=anna)

    create_mailing(owner=anna, message=message, recipients=Customer.objects.all())

    assert waits == [("add_newcomers", "off"), ("mark_prepared", "on")]


def test_what_a_caller_commits_waits(anna, waits):
    add_customers(anna, 3)
    message = EmlMessageFactory(owner=anna)

    with transaction.atomic():
        create_mailing(owner=anna, message=message, recipients=Customer.objects.all())

    assert waits == [("add_newcomers", "on"), ("mark_prepared", "on")]
