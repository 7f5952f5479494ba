"""A sender that cannot write a byte: its results are kept until there is room again."""

from __future__ import annotations

import resource
import time

import pytest
from django.db import connection

from massmail.backends.phases import Phase
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.processes import wait_until
from massmail.tests.stories.promises import assert_drained

pytestmark = pytest.mark.django_db(transaction=True)
REPLY_SECONDS = 0.3


def limit_files(pid: int, size: int) -> None:
    """No file of the process may grow beyond the size: SQLite sees a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_costs_no_result(nursery, server):
    server.script.add(Fault(Phase.DOT, after_accept=True, delay_seconds=REPLY_SECONDS))
    mailing = launched(server, customers=12)
    sender = nursery.start("send_queue", "--once", RUN_SECONDS=60.0)
    wait_until(
        lambda: len(server.accepted) > max(4, states(mailing).get("sent", 0)),
        "a reply is awaited",
    )

    limit_files(sender.pid, 0)
    sent = states(mailing)["sent"]
    last = server.accepted[-1].accepted_at
    wait_until(lambda: time.time() > last + 2 * REPLY_SECONDS, "the reply has come")
    if connection.vendor == "sqlite":
        assert len(server.accepted) <= states(mailing)["sent"] + 1 <= sent + 2
    limit_files(sender.pid, resource.RLIM_INFINITY)

    assert sender.wait() == 0
    assert states(mailing) == {"sent": 12}
    assert_drained(server, mailing)
