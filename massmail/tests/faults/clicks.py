"""Many people, or one impatient one, click at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from massmail.exceptions import MassmailError

CLICKS = 20
PATIENCE = 240.0


def in_threads(count: int, function: Callable[[], Any]) -> list[Any]:
    """Calls it so often at the same time; returns what each call gave or raised."""
    barrier = threading.Barrier(count)
    found = []

    def call() -> None:
        barrier.wait(PATIENCE)
        try:
            found.append(function())
        except MassmailError as error:
            found.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return found
