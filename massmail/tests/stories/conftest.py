"""Processes that outlive no test, and a server that outlives its clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

# Before they are imported, so that a broken promise says which.
pytest.register_assert_rewrite(
    "massmail.tests.stories.processes", "massmail.tests.stories.promises"
)

from massmail.tests.stories.processes import Nursery, Processes  # noqa: E402
from massmail.tests.stories.watched_server import WatchedServer  # noqa: E402


@pytest.fixture(scope="session")
def one_nursery(django_db_setup: None) -> Iterator[Nursery]:
    """One for all stories: it takes the time of an interpreter's start."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(transactional_db: None, one_nursery: Nursery) -> Iterator[Nursery]:
    """Its processes end before the test's rows go."""
    yield one_nursery
    one_nursery.clear()


@pytest.fixture
def processes(transactional_db: None) -> Iterator[Processes]:
    started = Processes()
    yield started
    started.clear()


@pytest.fixture
def server(tmp_path) -> Iterator[WatchedServer]:
    with WatchedServer(log_path=tmp_path / "accepted.jsonl") as running:
        yield running
