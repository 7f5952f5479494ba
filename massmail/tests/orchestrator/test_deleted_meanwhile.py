"""An account deleted between being read and being written costs nobody a page."""

from __future__ import annotations

import pytest

from massmail.audience import newcomers
from massmail.audience.selection import prepare_selected, store_selection
from massmail.audience.snapshot import create_mailing
from massmail.models import Delivery
from massmail.orchestrator import launching
from massmail.orchestrator.lifecycle import launch
from massmail.tests.factories import EmailAccountFactory, EmlMessageFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, ready_settings

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("default_policy"),
]
DELETED = 1_000_000


@pytest.fixture
def account(anna):
    ready_settings()
    add_customers(anna, 3)
    return EmailAccountFactory(owner=anna)


def first_time(original, broken):
    """The function, whose first call leaves what a deletion leaves of its reading."""
    calls = []

    def changed(*args, **options):
        calls.append(args)
        found = original(*args, **options)
        return broken(found) if len(calls) == 1 else found

    return changed, calls


def create(anna):
    return create_mailing(
        owner=anna,
        message=EmlMessageFactory(owner=anna),
        recipients=Customer.objects.all(),
    )


def store_and_prepare(anna):
    mailing = store_selection(
        owner=anna,
        message=EmlMessageFactory(owner=anna),
        recipients=Customer.objects.all(),
    )
    assert prepare_selected(mailing, seconds=60)
    return mailing


def accounts_of(mailing):
    rows = mailing.deliveries.filter(status="queued")
    return list(rows.values_list("email_account_id", flat=True))


@pytest.mark.parametrize("prepare", [create, store_and_prepare])
def test_recipients_are_planned_anew(anna, account, monkeypatch, prepare):
    changed, calls = first_time(
        newcomers.planned_accounts, lambda found: [DELETED] * len(found)
    )
    monkeypatch.setattr(newcomers, "planned_accounts", changed)

    mailing = prepare(anna)

    assert accounts_of(mailing) == [account.pk] * 3
    assert len(calls) == 2


def test_a_launch_gives_accounts_anew(anna, account, monkeypatch):
    mailing = create(anna)
    changed, calls = first_time(
        launching.share_out,
        lambda _none: Delivery.objects.update(email_account_id=DELETED),
    )
    monkeypatch.setattr(launching, "share_out", changed)

    launch(mailing, by=anna)

    mailing.refresh_from_db()
    assert mailing.status == "A"
    assert accounts_of(mailing) == [account.pk] * 3
    assert len(calls) == 2
