"""Servers that fail on demand, and times short enough to wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("massmail.tests.faults.repairs")

from massmail.backends.opening import default_ssl_context  # noqa: E402
from massmail.tests.smtp_certificates import (  # noqa: E402
    Certificates,
    make_certificates,
)
from massmail.tests.smtp_server import FaultServer  # noqa: E402


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Certificates]:
    """This process trusts the test's authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    default_ssl_context.cache_clear()
    yield certificates
    default_ssl_context.cache_clear()


@pytest.fixture
def massmail_times(settings):
    """Shortens times of the `MASSMAIL` setting for the test."""

    def shorten(**seconds: float) -> None:
        settings.MASSMAIL = {**settings.MASSMAIL, **seconds}

    return shorten
