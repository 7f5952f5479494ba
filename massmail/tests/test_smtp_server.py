"""The test server does what its script says, also as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from massmail.backends.smtp import Phase, Server, SmtpConnection, SmtpFailure, drive
from massmail.tests.backends.clients import MESSAGE, PATIENT, SENDER, new_connection
from massmail.tests.smtp_faults import Script
from massmail.tests.smtp_server import (
    Fault,
    FaultServer,
    Offer,
    faults_from_json,
    read_log,
)


def send_all(server: FaultServer, addresses: list[str]) -> list[str]:
    """One connection per message; the addresses whose message was not accepted."""
    refused = []
    for address in addresses:
        connection = new_connection(server)
        try:
            drive(connection.open())
            drive(connection.begin(SENDER, address, len(MESSAGE)))
            drive(connection.finish(MESSAGE))
        except SmtpFailure:
            refused.append(address)
        finally:
            connection.close()
    return refused


def test_faults_can_be_counted() -> None:
    fault = Fault(Phase.DOT, reply="451 4.0.0 later", skip=1, times=2)
    with FaultServer(faults=[fault]) as server:
        addresses = [f"{number}@example.org" for number in range(5)]
        assert send_all(server, addresses) == addresses[1:3]


def test_faults_can_be_aimed_at_addresses() -> None:
    faults = [
        Fault(Phase.MAIL, sender="eve@*", reply="550 5.7.1 no"),
        Fault(Phase.RCPT, to="*@example.net", reply="550 5.1.1 no"),
    ]
    with FaultServer(faults=faults) as server:
        addresses = ["a@example.org", "b@example.net", "c@example.org"]
        assert send_all(server, addresses) == ["b@example.net"]


def test_chance_repeats_itself_with_its_seed() -> None:
    def draw(seed: int) -> list[bool]:
        script = Script([Fault(Phase.DOT, probability=0.3)], seed=seed)
        return [script.next_fault(Phase.DOT) is not None for _ in range(200)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert 30 < sum(draw(1)) < 90


def test_a_script_comes_as_json() -> None:
    entry = {"phase": "rcpt", "to": "x@*", "reply": "550 no", "times": 1}
    assert faults_from_json([entry]) == [
        Fault(Phase.RCPT, to="x@*", reply="550 no", times=1)
    ]
    with pytest.raises(ValueError, match="color"):
        faults_from_json([{"phase": "rcpt", "color": "red"}])
    with pytest.raises(ValueError, match="politely"):
        Fault(Phase.RCPT, drop="politely")


def test_the_log_holds_what_was_accepted(tmp_path) -> None:
    log = tmp_path / "accepted.jsonl"
    assert read_log(log) == []
    faults = [
        Fault(Phase.DOT, to="b@*", drop="close", after_accept=True),
        Fault(Phase.DOT, to="c@*", drop="close"),
    ]
    addresses = ["a@example.org", "b@example.org", "c@example.org"]
    with FaultServer(faults=faults, log_path=log) as server:
        assert send_all(server, addresses) == addresses[1:]
    assert [entry["rcpt"] for entry in read_log(log)] == addresses[:2]
    assert {entry["size"] for entry in read_log(log)} == {len(MESSAGE)}


def test_a_message_names_itself() -> None:
    with FaultServer() as server:
        connection = new_connection(server)
        drive(connection.open())
        content = b"message-ID: <1@example.com>\r\n\r\nMessage-ID: <2>\r\n"
        drive(connection.begin(SENDER, "a@example.org", len(content)))
        drive(connection.finish(content))
        connection.close()
        assert [message.message_id for message in server.accepted] == [
            "<1@example.com>"
        ]


def test_it_counts_its_connections() -> None:
    with FaultServer(offer=Offer(pipelining=False)) as server:
        assert send_all(server, ["a@example.org"] * 3) == []
        assert server.wait_until_idle()
        assert server.connections == 3
        assert server.open_connections == 0


def test_it_runs_as_a_process(tmp_path) -> None:
    log = tmp_path / "accepted.jsonl"
    script = json.dumps([{"phase": "rcpt", "to": "no@*", "reply": "550 5.1.1 no"}])
    command = [sys.executable, "-m", "massmail.tests.smtp_server"]
    options = ["--log", str(log), "--script", script, "--offer", '{"size": 10}']
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline())
        settings = Server("127.0.0.1", port, "none", allow_private_hosts=True)
        connection = SmtpConnection(settings, PATIENT)
        drive(connection.open())
        assert connection.features["SIZE"] == "10"
        with pytest.raises(SmtpFailure):
            drive(connection.begin(SENDER, "no@example.org", 1))
        drive(connection.begin(SENDER, "yes@example.org", len(MESSAGE)))
        drive(connection.finish(MESSAGE))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        connection.close()
    assert [entry["rcpt"] for entry in read_log(log)] == ["yes@example.org"]
