"""Servers that fail on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("massmail.tests.faults.repairs")

from massmail.tests.smtp_server import FaultServer  # noqa: E402


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running
