"""One reply in twenty is lost: so many rows are uncertain, nobody is mailed twice."""

from __future__ import annotations

import pytest

from massmail.backends.phases import Phase
from massmail.models import SuppressedAddress
from massmail.orchestrator.repair import count_as_sent, send_again
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
)
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = pytest.mark.django_db
MESSAGES = 300


@pytest.fixture
def server():
    """Loses replies to messages that it took, and to some that it did not take."""
    taken = Fault(Phase.DOT, drop="reset", after_accept=True, probability=0.05)
    not_taken = Fault(Phase.DOT, drop="reset", probability=0.01)
    with FaultServer(faults=[taken, not_taken], seed=4) as running:
        yield running


@pytest.fixture
def lost(server):
    """Recipients whose reply was lost, as the server knows them."""
    found = []
    original = server.script.next_fault

    def next_fault(phase, sender="", to=""):
        fault = original(phase, sender, to)
        if fault is not None:
            found.append(to)
        return fault

    server.script.next_fault = next_fault
    return found


@pytest.mark.parametrize("lanes", [pytest.param(1, marks=pytest.mark.faults), 4])
def test_each_lost_reply_leaves_one_uncertain_row(server, lost, lanes):
    mailing = launched(server, customers=MESSAGES, max_connections=lanes)
    send_all()
    drain(mailing)

    uncertain = mailing.deliveries.filter(status="uncertain")
    assert len(lost) > 5
    assert sorted(uncertain.values_list("address", flat=True)) == sorted(lost)
    assert states(mailing) == {"uncertain": len(lost), "sent": MESSAGES - len(lost)}
    assert len(set(addresses(server))) == len(addresses(server))
    assert not SuppressedAddress.objects.exists()
    assert_ledger_is_clean(mailing)

    server.script.clear()
    arrived = set(addresses(server)) & set(lost)
    by = {"by": mailing.owner}
    assert count_as_sent(uncertain.filter(address__in=arrived), **by) == len(arrived)
    assert send_again(uncertain, **by) == len(lost) - len(arrived)
    send_all()
    assert states(mailing) == {"sent": MESSAGES}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)
