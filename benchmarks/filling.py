"""Fill a database with one mailing that can be sent; prints the id of its account.

A process of its own, so that what it needs is not counted for the sender.
"""

from __future__ import annotations

import argparse

from benchmarks import environment


def fill() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--lanes", type=int, required=True)
    options = parser.parse_args()
    environment.use(options.database)
    environment.migrate()
    print(environment.launched_mailing(options.port, options.recipients, options.lanes))


if __name__ == "__main__":
    fill()
