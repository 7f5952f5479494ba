"""How long it takes to choose, prepare and launch, and what the sender keeps meanwhile.

    python -m benchmarks.audience --database postgres://user@host:5432/empty
    python -m benchmarks.audience --recipients 10000

The database is filled, so give it an empty one; without it a SQLite file is used. "CPU"
is that of this process and of its PostgreSQL session, where that runs on this machine:
on a machine that has other things to do it says more than the time does.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.people import add_contacts, manager, prepare_environment

SIZES = (10_000, 100_000)
HEAD = ["step", "recipients", "seconds", "µs each", "CPU µs each", "MB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="URL of an empty database")
    parser.add_argument("--recipients", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="massmail-bench-") as folder:
        prepare_environment(options.database, Path(folder))
        rows = [row for count in options.recipients for row in measure(count)]
        name = "postgresql" if options.database else "sqlite"
        tables.write(f"preparing-{name}", tables.table(HEAD, rows))


def measure(count: int) -> list[list[str]]:
    """Rows of the table: a mailing to new contacts, from their choice to the launch."""
    from crm.models import Contact
    from massmail.audience.selection import prepare_selected, store_selection
    from massmail.orchestrator.launching import launch_until
    from massmail.orchestrator.lifecycle import order_launch
    from massmail.tests.factories import EmlMessageFactory

    Contact.objects.all().delete()
    owner = manager()
    add_contacts(owner, count)
    message = EmlMessageFactory(owner=owner)
    people = Contact.objects.all()
    rows: list[list[str]] = []

    def told(name: str, step: Callable[[], Any]) -> Any:
        row, result = measured(count, name, step)
        rows.append(row)
        return result

    mailing = told(
        "store the selection",
        lambda: store_selection(owner=owner, message=message, recipients=people),
    )
    told("prepare", lambda: prepare_selected(mailing, seconds=3600))
    told("decide to launch", lambda: order_launch(mailing, by=owner))
    told("launch", lambda: launch_until(mailing))
    assert mailing.status == "A"
    assert sum(mailing.counts().values()) == count
    return rows


def measured(count: int, name: str, step: Callable[[], Any]) -> tuple[list[str], Any]:
    """(row of the table, what the step returned)."""
    began, cpu = time.monotonic(), cpu_seconds()
    result = step()
    seconds, used = time.monotonic() - began, cpu_seconds() - cpu
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    each = 1e6 / count
    numbers = [f"{seconds:.2f}", f"{seconds * each:.0f}", f"{used * each:.0f}"]
    return [name, f"{count:,}", *numbers, str(megabytes)], result


def cpu_seconds() -> float:
    """Of this process and of the session that works for it."""
    from django.db import connection

    own = time.process_time()
    if connection.vendor != "postgresql":
        return own
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own += (int(fields[11]) + int(fields[12])) / 100
    return own


if __name__ == "__main__":
    main()
