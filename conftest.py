"""What holds for the whole suite; the apps have fixtures of their own."""

from __future__ import annotations

import os

import django.conf
import hypothesis
import pytest

# A slow machine is no failure; the parent keeps what hypothesis chooses in CI.
hypothesis.settings.register_profile(
    "massmail", parent=hypothesis.settings(), deadline=None
)
hypothesis.settings.load_profile("massmail")

FAIL_ON_SKIP = os.environ.get("FAIL_ON_SKIP") == "1"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_keepdb: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Give each run a SQLite file of its own, so that two runs at once do not meet."""
    database = django.conf.settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and not django_db_keepdb:
        path = tmp_path_factory.mktemp("database") / "suite.sqlite3"
        database["TEST"]["NAME"] = str(path)


# The project's own tests start programs that read DATABASE_URL for themselves.
APPS = ("common", "crm", "massmail")
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark as `embedded` what asks no database: pytest-django would not let it."""
    for item in items:
        app = item.path.relative_to(config.rootpath).parts[0]
        asks = item.get_closest_marker("django_db") or (
            DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        )
        if app in APPS and not asks and not item.get_closest_marker("services"):
            item.add_marker(pytest.mark.embedded)


def skipped_tests(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter and FAIL_ON_SKIP else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With FAIL_ON_SKIP=1 a skipped test fails the run: in CI all of them count."""
    passed = session.exitstatus == pytest.ExitCode.OK
    if passed and skipped_tests(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = skipped_tests(terminalreporter.config)
    if reports:
        terminalreporter.section("FAIL_ON_SKIP: skipped tests fail this run", red=True)
    for report in reports:
        _path, _line, reason = report.longrepr
        terminalreporter.write_line(f"{report.nodeid}: {reason}")
