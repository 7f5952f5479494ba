"""massmail in a project that has neither the CRM nor its settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
CASES = "massmail/tests/elsewhere/cases.py"


# Its own process makes a database beside the suite's, of the same kind.
@pytest.mark.django_db
def test_it_works_in_a_project_of_other_people():
    given = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "COV_", "DJANGO_SETTINGS_MODULE"))
    }
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--tb=short"]
    options += ["--ds=massmail.tests.elsewhere.settings", "-o", "python_files=cases.py"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, CASES],
        cwd=PROJECT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
