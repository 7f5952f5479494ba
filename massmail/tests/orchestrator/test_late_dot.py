"""A dot that would leave too late after its announcement never leaves."""

from __future__ import annotations

import time

import pytest

from massmail.models import EmailAccount
from massmail.orchestrator import run
from massmail.orchestrator.send import send_account_queue
from massmail.tests.faults.repairs import addresses, drain, everybody
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db


def test_a_process_stopped_between_commit_and_dot_drops_the_connection(
    settings, monkeypatch
):
    """As by SIGSTOP or a frozen machine: others may have taken the row meanwhile."""
    settings.MASSMAIL = settings.MASSMAIL | {"HANDOVER_SECONDS": 0.2}
    write = run.patiently

    def write_and_sleep(action):
        found = write(action)
        if found and found.granted:
            time.sleep(0.3)
        return found

    with FaultServer() as server:
        mailing = launched(server, customers=1)
        with monkeypatch.context() as patched:
            patched.setattr(run, "patiently", write_and_sleep)
            send_account_queue(EmailAccount.objects.get().pk)

        assert states(mailing) == {"queued": 1}
        assert server.accepted == []
        drain(mailing)
        assert addresses(server) == everybody(mailing)
