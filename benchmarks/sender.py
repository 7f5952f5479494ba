"""How fast messages leave, beside the limit and beside others at the same work.

    python -m benchmarks.sender --database postgres://user@host:5432/empty
    python -m benchmarks.sender --quick

All ratios are of one run: each measurement stands between two of the limit, which is
postfix's smtp-source with four connections to the same smtp-sink. The tables go into
docs/performance.md, unless it is `--quick`. Without a database only SQLite is measured,
without an environment of requirements/bench.in (`make bench` makes it) no peers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import mail_sink, tables
from benchmarks.slow_line import round_trip, slow_line

MESSAGE_BYTES = 12_000  # about what the newsletter has on the wire
ROUND_TRIP_SECONDS = 0.02
FAR_MESSAGES = 500
PEERS_PYTHON = ".venv-bench/bin/python"
PEERS = {"plain loop": 1000, "django-mailer": 300, "django-post_office": 1000}


@dataclass
class Series:
    """What was measured of one way to send, round by round."""

    shares: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    statements: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def add(self, facts: dict[str, float], limit: float) -> None:
        rate = facts["messages"] / facts["seconds"]
        self.rates.append(rate)
        self.shares.append(rate / limit)
        self.cpu.append(facts["cpu"] / facts["messages"] * 1e6)
        self.statements.append(facts.get("statements", 0) / facts["messages"])
        self.megabytes.append(facts.get("megabytes", 0))

    def row(self, name: str) -> list[str]:
        middle = statistics.median
        statements, megabytes = middle(self.statements), max(self.megabytes)
        return [
            name,
            f"{middle(self.shares):.3f}",
            f"{middle(self.rates):,.0f}",
            f"{middle(self.cpu):,.0f} µs",
            f"{statements:.2f}" if statements else "–",
            f"{megabytes:.0f} MB" if megabytes else "–",
        ]


HEAD = ("sender", "share", "messages/s", "CPU per message", "statements", "memory")


def main() -> None:
    options = arguments()
    rounds, messages = (1, 500) if options.quick else (options.rounds, options.messages)
    with ExitStack() as stack:
        port = stack.enter_context(mail_sink.sink())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sqlite = f"sqlite:///{Path(folder, 'bench.sqlite3')}"
        bench = Bench(port, messages)
        for _round in range(rounds):
            for name, database in databases(options.database, sqlite).items():
                bench.measure_sender(name, database)
            bench.measure_peers(options.peers, options.database)
        far = bench.round_trips(options.database or sqlite)
        flat = bench.growth(options.database or sqlite, sizes(options))
    if options.quick:
        print(tables.table(HEAD, bench.rows()))
        print(far, flat)
        return
    tables.write("sender", tables.table(HEAD, bench.rows()))
    tables.write("round-trips", far)
    tables.write("growth", flat)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--peers", default=PEERS_PYTHON, help="their Python")
    parser.add_argument("--quick", action="store_true", help="a try; writes nothing")
    return parser.parse_args()


def databases(postgresql: str, sqlite: str) -> dict[str, str]:
    return (
        {"PostgreSQL": postgresql, "SQLite": sqlite}
        if postgresql
        else {"SQLite": sqlite}
    )


def sizes(options: argparse.Namespace) -> tuple[int, ...]:
    return (500, 2000) if options.quick else (1000, options.largest)


class Bench:
    """Measures against one smtp-sink."""

    def __init__(self, port: int, messages: int) -> None:
        self._port = port
        self._messages = messages
        self._series: dict[str, Series] = defaultdict(Series)

    def rows(self) -> list[list[str]]:
        return [series.row(name) for name, series in self._series.items()]

    def measure_sender(self, where: str, database: str) -> None:
        for lanes in (8, 1, 32):
            word = "connection" if lanes == 1 else "connections"
            self._add(
                f"{where}, {lanes} {word}",
                sent(database, self._port, self._messages, lanes),
            )
        if where == "PostgreSQL":
            facts = sent(database, self._port, self._messages, 8, processes=2)
            self._add(f"{where}, 2 processes of 8 connections", facts)

    def measure_peers(self, python: str, database: str) -> None:
        if not (database and Path(python).exists()):
            return
        for name, messages in PEERS.items():
            command = [python, "-W", "ignore", "-m", "benchmarks.peers", name]
            command += ["--database", database, "--port", str(self._port)]
            command += ["--messages", str(min(messages, self._messages))]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            self._add(name, json.loads(done.stdout.splitlines()[-1]))

    def _add(self, name: str, facts: dict[str, float]) -> None:
        series = self._series[name]
        series.add(facts, self._limit())
        print(*series.row(name), sep="  ", file=sys.stderr)

    def _limit(self) -> float:
        return mail_sink.limit(self._port, 3 * self._messages, MESSAGE_BYTES)

    def round_trips(self, database: str) -> str:
        with slow_line(self._port, ROUND_TRIP_SECONDS) as port:
            trip = round_trip(port)
            facts = sent(database, port, FAR_MESSAGES, 1)
        trips = facts["seconds"] / facts["messages"] / trip
        return (
            f"With a round trip of {trip * 1000:.1f} ms, a message takes {trips:.2f} "
            "of them."
        )

    def growth(self, database: str, sizes: tuple[int, ...]) -> str:
        rows = []
        for size in sizes:
            series = Series()
            series.add(sent(database, self._port, size, 8), self._limit())
            rows.append(series.row(f"{size:,} recipients"))
        return tables.table(HEAD, rows)


def sent(
    database: str, port: int, messages: int, lanes: int, processes: int = 1
) -> dict[str, float]:
    """A new mailing, sent by processes that begin together."""
    filling = ["--port", str(port), "--lanes", str(lanes * processes)]
    account, small = (
        int(run("benchmarks.filling", database, *filling, "--recipients", str(count)))
        for count in (messages, 50)
    )
    with ExitStack() as stack:
        started = [
            stack.enter_context(sending(database, account, small, lanes))
            for _process in range(processes)
        ]
        for process in started:
            process.stdout.readline()
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        facts = [json.loads(process.stdout.readline()) for process in started]
    total = {key: sum(fact[key] for fact in facts) for key in facts[0]}
    assert total["messages"] == messages, total
    total["seconds"] = max(fact["seconds"] for fact in facts)
    return total


def run(module: str, database: str, *options: str) -> str:
    command = [sys.executable, "-m", module, "--database", database, *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def sending(database: str, account: int, small: int, lanes: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.sending", "--database", database]
    command += ["--account", str(account), "--warm-up", str(small)]
    command += ["--lanes", str(lanes)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


if __name__ == "__main__":
    main()
