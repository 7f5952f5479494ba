"""One process of the sender, measured: everything due of an account.

    python -m benchmarks.sending --database URL --account ID --lanes N [--profile FILE]

What a process does once is done before, with the small account of `--warm-up`.
Prints one line of JSON. It waits for a line on its standard input before it begins,
so that two of them begin together.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import resource
import sys
import time
from typing import Any

from benchmarks import environment


class Counter:
    """Wraps each statement of a database connection."""

    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute: Any, *args: Any) -> Any:
        self.statements += 1
        return execute(*args)


def measure() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--account", type=int, required=True)
    parser.add_argument("--warm-up", type=int, help="a small account sent before")
    parser.add_argument("--lanes", type=int, required=True)
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    environment.use(options.database)
    if options.warm_up:
        send(options.warm_up, options.lanes)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    profile = cProfile.Profile() if options.profile else None
    if profile:
        profile.enable()
    facts = send(options.account, options.lanes)
    if profile:
        profile.disable()
        profile.dump_stats(options.profile)
    print(json.dumps(facts))


def send(account_id: int, lanes: int) -> dict[str, float]:
    """Runs of the account until nothing is due, as `send_queue --once` has them."""
    from django.db import connection

    from massmail.orchestrator.send import send_account_queue

    counter, messages = Counter(), 0
    began, worked = time.monotonic(), time.process_time()
    with connection.execute_wrapper(counter):
        while True:
            report = send_account_queue(account_id, lanes=lanes)
            messages += report.sent
            if not report.handled:
                break
    return {
        "pid": os.getpid(),
        "messages": messages,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - worked,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "statements": counter.statements,
    }


if __name__ == "__main__":
    measure()
