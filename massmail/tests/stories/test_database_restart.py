"""PostgreSQL is restarted the rude way, twice, while senders are at work."""

from __future__ import annotations

import pytest

from massmail.backends.phases import Phase
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.own_servers import own_cluster
from massmail.tests.stories.processes import wait_until
from massmail.tests.stories.promises import assert_drained

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.faults,
]
RECIPIENTS = 100


@pytest.fixture
def cluster(transactional_db):
    with own_cluster() as running:
        yield running


def test_no_result_is_lost_and_nobody_is_mailed_twice(cluster, processes, server):
    server.script.add(Fault(Phase.DOT, after_accept=True, delay_seconds=0.1))
    mailing = launched(server, customers=RECIPIENTS, max_connections=4)
    senders = [processes.manage("send_queue", "--lanes", "2") for _ in range(2)]
    for accepted in (RECIPIENTS // 4, RECIPIENTS // 2):
        wait_until(lambda n=accepted: len(server.accepted) >= n, "mail went out")
        cluster.restart_at_once()
    wait_until(lambda: states(mailing) == {"sent": RECIPIENTS}, "all is sent")

    assert [sender.poll() for sender in senders] == [None, None]
    assert_drained(server, mailing)
    processes.clear()
