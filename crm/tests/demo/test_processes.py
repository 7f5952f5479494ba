"""The demo's children."""

from __future__ import annotations

import time

import pytest
from django.core.management import CommandError

from crm.demo.processes import Child, Children, environment


def wait_for_end(child: Child) -> None:
    deadline = time.monotonic() + 30
    while child.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_that_ends_by_itself_is_reported_with_its_log(tmp_path):
    child = Child("catcher", str(tmp_path), "not a port", log_directory=tmp_path)
    wait_for_end(child)

    with pytest.raises(CommandError, match=r"has ended by itself.*demo-catcher\.log"):
        child.require_running()

    assert "not a port" in child.log.read_text()
    child.stop()


def test_children_are_stopped_even_after_an_error(tmp_path):
    started = []
    with pytest.raises(ZeroDivisionError), Children(tmp_path) as children:
        started.append(children.start("catcher", str(tmp_path), "0"))
        children.require_running()
        raise ZeroDivisionError

    assert not started[0].is_running


def test_only_the_site_debugs(monkeypatch):
    monkeypatch.delenv("DEBUG", raising=False)

    assert environment("sender")["DEBUG"] == "False"
    assert "DEBUG" not in environment("site")
