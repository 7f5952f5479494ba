"""What holds for all of massmail's tests."""

from __future__ import annotations

import pytest

from massmail.orchestrator.compiling import compiled_version


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """A version's key never comes back, except where a test is rolled back."""
    compiled_version.cache_clear()
