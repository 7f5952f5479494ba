"""The rules of conftest.py, tried on a small suite of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded

CONFTEST = Path(__file__).resolve().parent.parent.parent / "conftest.py"
PASSES = "def test_passes(): pass\n"
SKIPS = "import pytest\ndef test_skips(): pytest.skip('no printer')\n"
SKIPS_AS_A_WHOLE = "import pytest\npytest.importorskip('no_such_module')\n"


@pytest.fixture
def run_suite(tmp_path):
    """Run a suite with the project's conftest.py in a process of its own."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    services: x\n")

    # The outer run's workers are not this suite's.
    outer = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST")}

    def run(source: str, *arguments: str, fail_on_skip: str = "1"):
        (tmp_path / "test_other.py").write_text(PASSES)
        (tmp_path / "test_one.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:django", *arguments],
            cwd=tmp_path,
            env=outer | {"FAIL_ON_SKIP": fail_on_skip},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    ("source", "reason", "workers"),
    [
        (SKIPS, "no printer", "0"),
        (SKIPS, "no printer", "2"),
        (SKIPS_AS_A_WHOLE, "no_such_module", "2"),
    ],
    ids=["a test", "a test of a worker", "a module of a worker"],
)
def test_a_skip_fails_the_run_and_is_named(run_suite, source, reason, workers):
    result = run_suite(source, "-n", workers)

    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    summary = result.stdout.partition("FAIL_ON_SKIP")[2]
    assert "test_one.py" in summary
    assert reason in summary


def test_a_skip_passes_where_it_is_not_forbidden(run_suite):
    result = run_suite(SKIPS, "-n", "0", fail_on_skip="")

    assert result.returncode == pytest.ExitCode.OK
    assert "FAIL_ON_SKIP" not in result.stdout


def test_a_run_without_skips_passes(run_suite):
    assert run_suite(PASSES, "-n", "0").returncode == pytest.ExitCode.OK


def test_a_deselected_test_is_no_skip(run_suite):
    marked = "import pytest\n@pytest.mark.services\ndef test_serves(): assert False\n"

    result = run_suite(marked, "-n", "0", "-m", "not services")

    assert result.returncode == pytest.ExitCode.OK
    assert "1 deselected" in result.stdout
