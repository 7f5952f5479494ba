"""Say whether PostgreSQL and the broker answer; with --wait, give them time.

Reads DATABASE_URL and CELERY_BROKER_URL. Run by `make test-services` and `.ci/run`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import environ
import kombu
import kombu.exceptions
import psycopg

CONNECT_SECONDS = 3
HELP = "Start it, or name another one; CONTRIBUTING.md says how."


class NoAnswer(Exception):
    """The service cannot be used; the text says which and why."""


def check_database() -> None:
    config = environ.Env.db_url_config(os.environ["DATABASE_URL"])
    place = f"{config['HOST']}:{config['PORT'] or 5432}"
    if not config["ENGINE"].endswith("postgresql"):
        raise NoAnswer("DATABASE_URL does not name a PostgreSQL database.")
    try:
        psycopg.connect(
            host=config["HOST"],
            port=config["PORT"] or None,
            dbname=config["NAME"],
            user=config["USER"],
            password=config["PASSWORD"] or None,
            connect_timeout=CONNECT_SECONDS,
        ).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip()
        raise NoAnswer(f"PostgreSQL at {place} (DATABASE_URL): {reason}") from error


def check_broker() -> None:
    connection = kombu.Connection(
        os.environ["CELERY_BROKER_URL"], connect_timeout=CONNECT_SECONDS
    )
    try:
        with connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
    except kombu.exceptions.OperationalError as error:
        place = f"{connection.hostname}:{connection.port}"
        raise NoAnswer(f"Broker at {place} (CELERY_BROKER_URL): {error}") from error


def wait_for(check: Callable[[], None], deadline: float) -> None:
    """Return when the check passes; raise its last NoAnswer after the deadline."""
    while True:
        try:
            return check()
        except NoAnswer:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS")
    options = parser.parse_args()
    deadline = time.monotonic() + options.wait
    try:
        for check in (check_database, check_broker):
            wait_for(check, deadline)
    except NoAnswer as error:
        sys.exit(f"{error}\n{HELP}")


if __name__ == "__main__":
    main()
