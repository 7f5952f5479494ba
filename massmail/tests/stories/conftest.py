"""Processes that outlive no test, and a server that outlives its clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from massmail.tests.stories.processes import (
    PATIENCE,
    Nursery,
    Processes,
    wait_for_sessions_to_end,
)
from massmail.tests.stories.watched_server import WatchedServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories start processes: on a busy machine that alone takes a while."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(3 * PATIENCE))


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
    wait_for_sessions_to_end()


@pytest.fixture
def processes(transactional_db: None) -> Iterator[Processes]:
    started = Processes()
    yield started
    started.clear()
    wait_for_sessions_to_end()


@pytest.fixture
def server(tmp_path) -> Iterator[WatchedServer]:
    with WatchedServer(log_path=tmp_path / "accepted.jsonl") as running:
        yield running
