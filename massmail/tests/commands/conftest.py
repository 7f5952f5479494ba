"""Commands as a script calls them: what they print, how they end."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command


@dataclass
class Ended:
    """`code` is what the shell would see."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)


@pytest.fixture
def manage():
    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*map(str, arguments), stdout=out, stderr=err)
        except CommandError as error:
            return Ended(error.returncode, out.getvalue(), str(error))
        return Ended(0, out.getvalue(), err.getvalue())

    return run
