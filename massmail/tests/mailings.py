"""The main job in a few words, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from massmail.audience.snapshot import create_mailing
from massmail.models import Delivery, EmailAccount, MailingOut, MassmailSettings
from massmail.orchestrator.launching import judged_rows, settle
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.factories import (
    NOW,
    EmailAccountFactory,
    EmlMessageFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer

POSTAL_ADDRESS = "Example Ltd, 1 Main Street, Utrecht"


def ready_settings(**fields: Any) -> MassmailSettings:
    """Settings with which a launch is not refused."""
    settings = MassmailSettings(postal_address=POSTAL_ADDRESS, **fields)
    settings.save()
    return settings


def add_customers(owner: Any, count: int, **fields: Any) -> list[Customer]:
    return Customer.objects.bulk_create(
        Customer(
            name=f"Customer {number}",
            email=f"customer{number}@example.com",
            owner=owner,
            **fields,
        )
        for number in range(count)
    )


def draft(owner: Any = None, customers: int = 3, **fields: Any) -> MailingOut:
    """A prepared mailing to new customers of its owner."""
    owner = owner or UserFactory()
    add_customers(owner, customers)
    return create_mailing(
        owner=owner,
        message=EmlMessageFactory(owner=owner, **fields),
        recipients=Customer.objects.filter(owner=owner),
    )


def bare_rows(
    mailing: MailingOut, account: EmailAccount, count: int, **fields: Any
) -> list[Delivery]:
    """Rows of a ledger that has grown, by one statement and without records."""
    return Delivery.objects.bulk_create(
        Delivery(
            mailing=mailing,
            content_type=mailing.content_type,
            object_id=str(number),
            address_key=f"{number:032x}",
            email_account=account,
            not_before=NOW,
            queued_at=NOW,
            **fields,
        )
        for number in range(count)
    )


def give_accounts(mailing: MailingOut, *, now: dt.datetime = NOW) -> MailingOut:
    """What a launch does with the rows of a draft, and nothing else of it."""
    decision = {"at": now.isoformat(), "paths": [], "after": 0, "done": 0}
    drafts = MailingOut.objects.filter(pk=mailing.pk)
    drafts.update(launching=decision)
    mailing.refresh_from_db()
    while rows := judged_rows(mailing):
        settle(mailing, rows)
        mailing.refresh_from_db()
    drafts.update(launching=None)
    mailing.refresh_from_db()
    return mailing


def account_at(server: Any, owner: Any, **fields: Any) -> EmailAccount:
    return EmailAccountFactory(owner=owner, email_port=server.port, **fields)


def launched(server: Any, customers: int = 3, **fields: Any) -> MailingOut:
    """A running mailing with one account at the server."""
    ready_settings()
    mailing = draft(customers=customers)
    account_at(server, mailing.owner, **fields)
    return launch(mailing, by=mailing.owner)


def send_all(now: dt.datetime | None = None) -> int:
    """What `send_queue --once` does; returns the number of rows that moved."""
    handled = 0
    while True:
        reports = [send_account_queue(pk, now=now) for pk in walk_account_queues(now)]
        moved = sum(report.handled for report in reports)
        if not moved:
            return handled
        handled += moved


def states(mailing: MailingOut) -> dict[str, int]:
    """Counts of the states that occur."""
    return {state: count for state, count in mailing.counts().items() if count}


def row_of(mailing: MailingOut, address: str) -> Delivery:
    return Delivery.objects.get(mailing=mailing, address=address)
