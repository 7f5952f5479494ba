"""Rows and attempts of one account, in a few words."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db.models import Q

from massmail.models import Delivery, MassmailSettings, SendAttempt
from massmail.sending.recording import Result, hand_over, record
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SendAttemptFactory,
    UserFactory,
)
from massmail.tests.sending.results import LATER


@pytest.fixture
def anna(db):
    return UserFactory(username="anna")


@pytest.fixture
def account(anna):
    return EmailAccountFactory(owner=anna)


@pytest.fixture
def mailing(anna):
    return MailingOutFactory(owner=anna, launched=True)


@pytest.fixture
def rows(account, mailing):
    """Adds rows of the account to the mailing; a token makes them claimed."""

    def add(count=1, token=None, **fields):
        if token:
            lease = NOW + dt.timedelta(minutes=2)
            fields = {"status": "claimed", "lease_until": lease, **fields}
            fields["claim_token"] = token
        given = {"mailing": mailing, "email_account": account, **fields}
        return DeliveryFactory.create_batch(count, **given)

    return add


@pytest.fixture
def token():
    return uuid.uuid4()


@pytest.fixture
def attempts(account, rows):
    """Adds attempts of the account, so many seconds before NOW."""
    made_for = []

    def add(*seconds_ago):
        if not made_for:
            made_for.extend(rows(1, status="sent"))
        for seconds in seconds_ago:
            SendAttemptFactory(
                delivery=made_for[0],
                occurred_at=NOW - dt.timedelta(seconds=seconds),
            )

    return add


@pytest.fixture
def limits(account):
    """Sets the account's limits; a limit of the installation does not bind."""

    def set_limits(**fields):
        type(account).objects.filter(pk=account.pk).update(**{"per_day": 1000} | fields)
        account.refresh_from_db()

    return set_limits


@pytest.fixture
def defaults():
    return MassmailSettings()


@pytest.fixture
def ledger():
    """(rows by status, attempts by outcome) of the whole database."""

    def take():
        states = sorted(Delivery.objects.values_list("pk", "status", "reason"))
        return states, sorted(SendAttempt.objects.values_list("delivery", "outcome"))

    return take


@pytest.fixture
def claimed(rows, token):
    return rows(1, token)[0]


@pytest.fixture
def announced(claimed, token):
    """A row that was handed over: `sending`, with its attempt."""
    assert hand_over([claimed], token, allowed=Q(), now=NOW) == {claimed.pk}
    return claimed


@pytest.fixture
def note(token):
    """Records an outcome for a row at LATER; returns the row as it is then."""

    def note(row, outcome, reply=None, *, announced=True, token=token, **fields):
        result = Result(row, outcome, reply, announced=announced, **fields)
        written = record(result, token, LATER)
        fresh = Delivery.objects.get(pk=row.pk)
        return written, fresh

    return note
