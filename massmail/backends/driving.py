"""The blocking driver of a conversation."""

from __future__ import annotations

import selectors
import time
from collections.abc import Generator
from typing import TypeVar

from massmail.backends.phases import Wait

Result = TypeVar("Result")


def drive(conversation: Generator[Wait, None, Result]) -> Result:
    """Run a conversation to its end and return its value.

    Every driver keeps this protocol: resume the generator by `next()` when `Wait.sock`
    is ready for `Wait.events`; `throw(TimeoutError())` into it once `Wait.deadline` has
    passed, which it turns into an SmtpFailure of its phase or into another try. The
    generator may close a socket that it waited for, so a driver with a long-lived
    selector unregisters the old socket before it registers the next one.
    """
    try:
        wait = next(conversation)
        while True:
            if is_ready(wait):
                wait = next(conversation)
            else:
                wait = conversation.throw(TimeoutError())
    except StopIteration as end:
        return end.value


def is_ready(wait: Wait) -> bool:
    """Block until the socket is ready (True) or the deadline has passed (False)."""
    with selectors.DefaultSelector() as selector:
        selector.register(wait.sock, wait.events)
        seconds = wait.deadline - time.monotonic()
        return bool(selector.select(max(seconds, 0.0)))
