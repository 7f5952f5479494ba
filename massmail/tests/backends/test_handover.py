"""At whatever byte the network ends: a dot that arrived is never taken for unsent."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from massmail.backends.channel import Channel
from massmail.backends.dialogue import Dialogue
from massmail.backends.driving import drive
from massmail.backends.handover import Handover

CONTENT = b"Subject: Hello\r\n\r\n..dots and words\r\n"
END = b".\r\n"
NEXT = b"MAIL FROM:<a@example.com>\r\n"


class Wire:
    """Stands in for a socket: the kernel takes `budget` bytes, then breaks."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.budget: int | None = None
        self.taken = 0
        self.clear = b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context and context.wrap_bio(
            self.incoming, self.outgoing, server_side=True
        )

    def send(self, data: bytes) -> int:
        count = len(data) if self.budget is None else min(self.budget, len(data))
        if count == 0:
            raise ConnectionResetError
        if self.budget is not None:
            self.budget -= count
        self.taken += count
        self._deliver(bytes(data[:count]))
        return count

    def recv(self, size: int) -> bytes:
        data = self.outgoing.read(size)
        if not data:
            raise BlockingIOError
        return data

    def _deliver(self, data: bytes) -> None:
        if self.tls is None:
            self.clear += data
            return
        self.incoming.write(data)
        try:
            if self.tls.version() is None:
                self.tls.do_handshake()
            while clear := self.tls.read():
                self.clear += clear
        except ssl.SSLWantReadError:
            return


def finish(handover: Handover) -> bool:
    """Whether all of it left; the wire is ready at once or broken."""
    try:
        for _ in handover.finish(CONTENT, NEXT, None):
            raise AssertionError("The wire never makes anybody wait.")
    except ConnectionResetError:
        return False
    return True


def check(wire: Wire, channel: Channel, budget: int) -> bool:
    """Break the wire after `budget` more bytes; whether the dot counts as gone."""
    handover = Handover(Dialogue(channel, 60))
    wire.budget = budget
    finish(handover)
    arrived = wire.clear.startswith(CONTENT + END)
    assert handover.has_left or not arrived
    return handover.has_left


@pytest.mark.parametrize("budget", range(len(CONTENT + END + NEXT) + 2))
def test_in_clear_the_dot_itself_decides(budget) -> None:
    wire = Wire()
    has_left = check(wire, Channel(wire), budget)
    assert has_left == (budget > len(CONTENT))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(budget=st.integers(0, 250))
def test_encrypted_a_dot_that_arrived_has_left(certificates, budget) -> None:
    wire = Wire(certificates.server_context())
    channel = Channel(wire)
    context = certificates.client_context()
    for _ in channel.start_tls(context, "localhost", 0.0):
        assert wire.budget is None
    has_left = check(wire, channel, budget)
    assert not (has_left and CONTENT not in wire.clear)


def test_an_interruption_right_after_the_call_counts_as_gone() -> None:
    class Interrupted(Wire):
        def send(self, data: bytes) -> int:
            super().send(data)
            raise KeyboardInterrupt

    wire = Interrupted()
    handover = Handover(Dialogue(Channel(wire), 60))
    with pytest.raises(KeyboardInterrupt):
        drive(handover.finish(CONTENT, b"", None))
    assert wire.clear == CONTENT + END
    assert handover.has_left


def test_nothing_has_left_before_it_is_tried() -> None:
    wire = Wire()
    handover = Handover(Dialogue(Channel(wire), 60))
    drive(handover.write(CONTENT))
    assert wire.clear == CONTENT
    assert not handover.has_left
