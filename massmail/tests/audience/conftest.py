"""The cast: Anna sends, Boris is her colleague."""

from __future__ import annotations

import pytest

from massmail.tests.factories import EmlMessageFactory, UserFactory


@pytest.fixture
def anna(db):
    return UserFactory(username="anna")


@pytest.fixture
def boris(db):
    return UserFactory(username="boris")


@pytest.fixture
def message(anna):
    return EmlMessageFactory(owner=anna, subject="Spring news")


@pytest.fixture
def chunks_of(settings):
    """Lets recipients be added so many at a time."""

    def set_size(size: int) -> None:
        settings.MASSMAIL = {**settings.MASSMAIL, "PREPARE_CHUNK": size}

    return set_size
