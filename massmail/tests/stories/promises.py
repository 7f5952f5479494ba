"""What must hold after any story, from the server's log and the ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone

from massmail.models import MailingOut
from massmail.reports.ledger import check_ledger
from massmail.tests.mailings import states
from massmail.tests.stories.watched_server import WatchedServer

FINAL_OR_UNCERTAIN = {"sent", "failed", "skipped", "uncertain"}


def addresses_in(mailing: MailingOut, *statuses: str) -> set[str]:
    rows = mailing.deliveries.filter(status__in=statuses)
    return set(rows.values_list("address", flat=True))


def assert_never_twice_never_lost(server: WatchedServer, mailing: MailingOut) -> None:
    """At any moment: true also while rows still wait."""
    accepted = server.addresses()
    twice = {address: n for address, n in Counter(accepted).items() if n > 1}
    assert twice == {}
    assert set(accepted) <= addresses_in(mailing, "sent", "uncertain", "sending")
    assert addresses_in(mailing, "sent") <= set(accepted)
    assert sum(states(mailing).values()) == mailing.recipients_count
    assert message_ids(server) <= message_ids_of(mailing)
    assert list(check_ledger(timezone.now())) == []


def assert_drained(
    server: WatchedServer, mailing: MailingOut, *, uncertain: int = 0
) -> None:
    """Nothing waits or is held any more; at most so many rows are uncertain."""
    assert set(states(mailing)) <= FINAL_OR_UNCERTAIN
    assert states(mailing).get("uncertain", 0) <= uncertain
    assert_never_twice_never_lost(server, mailing)


def message_ids(server: WatchedServer) -> set[tuple[Any, Any]]:
    return {(entry["rcpt"], entry["message_id"]) for entry in server.entries()}


def message_ids_of(mailing: MailingOut) -> set[tuple[Any, Any]]:
    return set(mailing.deliveries.values_list("address", "message_id"))
