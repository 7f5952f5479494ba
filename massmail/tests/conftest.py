"""What holds for all of massmail's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection

from massmail.backends.opening import default_ssl_context
from massmail.orchestrator.compiling import compiled_version
from massmail.tests.planning import use_statistics
from massmail.tests.smtp_certificates import Certificates, make_certificates

# Before they are imported, so that a broken promise says which.
pytest.register_assert_rewrite(
    "massmail.tests.stories.processes", "massmail.tests.stories.promises"
)
EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN "}


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """A version's key never comes back, except where a test is rolled back."""
    compiled_version.cache_clear()


@pytest.fixture(autouse=True)
def nothing_counted_before():
    """A rolled back row's key comes back on SQLite, and its links with it."""
    cache.clear()


@pytest.fixture
def set_massmail(settings):
    """Changes keys of the `MASSMAIL` setting for the test."""

    def change(**values: object) -> None:
        settings.MASSMAIL = {**settings.MASSMAIL, **values}

    return change


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Certificates]:
    """This process trusts the test's authority, as a deployment would arrange it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    default_ssl_context.cache_clear()
    yield certificates
    default_ssl_context.cache_clear()


@pytest.fixture
def plans():
    """Does something; returns the plans of its statements that have a word in them.

    A table of few rows would be read as a whole; PostgreSQL is told not to.
    """

    def explained(action, needle, analysed=False):
        found = []

        def explain(execute, sql, params, many, context):
            if needle in sql:
                execute(EXPLAIN[connection.vendor] + sql, params, many, context)
                rows = context["cursor"].fetchall()
                found.append("\n".join(str(row[-1]) for row in rows))
            return execute(sql, params, many, context)

        use_statistics(analysed)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        with connection.execute_wrapper(explain):
            action()
        return found

    return explained
