"""Imports flow one way; docs/architecture.md draws the map."""

from __future__ import annotations

from pathlib import Path

import pytest

from massmail.tests.architecture import (
    PROJECT,
    RANK,
    Module,
    misplaced_files,
    modules_of,
    wrong_imports,
)


def objections(name: str, source: str) -> list[str]:
    return list(wrong_imports(Module(name, Path()), source))


def test_every_import_of_the_tree_points_downward():
    found = [
        complaint
        for module in modules_of(PROJECT)
        for complaint in wrong_imports(module, module.path.read_text("utf-8"))
    ]

    assert found == []


def test_every_part_of_massmail_has_a_layer():
    parts = {
        path.stem if path.suffix == ".py" else path.name
        for path in (PROJECT / "massmail").iterdir()
        if path.suffix == ".py" or any(path.glob("*.py")) or any(path.glob("*/*.py"))
    }

    assert parts - {"__init__", "tests"} <= set(RANK)


def test_helpers_have_one_place():
    assert list(misplaced_files(PROJECT)) == []


def test_the_tree_that_is_read_is_the_whole_tree():
    names = {module.name for module in modules_of(PROJECT)}

    assert {
        "common.utils.helpers",
        "crm.massmail_recipients",
        "massmail",
        "massmail.management.commands.send_queue",
        "massmail.migrations.0001_initial",
        "settings.environments.test",
    } <= names


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("massmail.models.delivery", "import crm"),
        ("massmail.models.delivery", "import crm.models as hosts"),
        ("massmail.views.public", "from settings.models import MassmailSettings"),
        ("massmail.tests.test_x", "from crm.models import Contact"),
        ("massmail.tests.conftest", "import settings.urls"),
        ("common.fields", "from massmail.conf import conf"),
        ("common.tests.test_x", "from crm.models import Contact"),
        ("crm.admin", "import settings"),
        ("crm.admin", "from settings.environments import env"),
    ],
)
def test_a_lower_app_knows_no_higher_one(module, source):
    [complaint] = objections(module, source)

    assert "does not know" in complaint


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("massmail.models.delivery", "from massmail.sending import lanes"),
        ("massmail.conf", "from massmail.models import Delivery"),
        ("massmail.signals", "import massmail.models"),
        ("massmail.recipients.source", "from massmail.permissions import x"),
        ("massmail.backends.smtp", "from massmail import tokens"),
        ("massmail.permissions", "from massmail.audience import snapshot"),
        ("massmail.content.compiler", "from massmail.orchestrator.send import x"),
        ("massmail.orchestrator.send", "from massmail import tasks"),
        ("massmail.orchestrator.send", "import massmail.forms.mailing_out"),
        ("massmail.migrations.0002_x", "from massmail.reports import ledger"),
    ],
)
def test_a_layer_does_not_know_those_above_it(module, source):
    [complaint] = objections(module, source)

    assert "is below" in complaint


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("massmail.sending.claiming", "from massmail.content.compiler import x"),
        ("massmail.reports.ledger", "from massmail import sending"),
        ("massmail.templatetags.mailbuilder", "import massmail.tracking.responses"),
        ("massmail.recipients.source", "from massmail.backends import smtp"),
        ("massmail.permissions", "from massmail import tokens"),
    ],
)
def test_neighbours_do_not_know_each_other(module, source):
    [complaint] = objections(module, source)

    assert "do not know each other" in complaint


@pytest.mark.parametrize(
    "source",
    [
        "def late():\n    from crm.models import Contact\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import crm\n",
        "try:\n    import crm\nexcept ImportError:\n    crm = None\n",
        "import importlib\nmodels = importlib.import_module('crm.models')\n",
        "from django.utils.module_loading import import_string\n"
        "x = import_string('crm.access.Policy')\n",
        "import os, crm\n",
    ],
    ids=["function", "type checking", "try", "by name", "by path", "second"],
)
def test_no_corner_hides_an_import(source):
    [complaint] = objections("massmail.conf", source)

    assert "massmail does not know crm" in complaint


@pytest.mark.parametrize(
    "source", ["from . import smtp", "from .smtp import x", "from ..models import x"]
)
def test_relative_imports_are_refused(source):
    [complaint] = objections("massmail.backends.server", source)

    assert "imports are absolute" in complaint


@pytest.mark.parametrize(
    "module", ["massmail.recipients.source", "massmail.backends.server"]
)
def test_contracts_know_no_model(module):
    [complaint] = objections(module, "from massmail.models import Delivery")

    assert "knows no model" in complaint


def test_the_product_does_not_import_tests():
    [complaint] = objections("crm.demo.people", "from massmail.tests import factories")

    assert "tests are not part of the product" in complaint


def test_a_part_without_a_layer_is_refused():
    [complaint] = objections("massmail.gadgets.x", "from massmail.conf import conf")

    assert "gadgets has no layer" in complaint


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("massmail.conf", "from django.conf import settings"),
        ("crm.admin", "from django.conf import settings\nimport massmail.models"),
        ("settings.admin", "import crm, massmail, common"),
        ("massmail.models.mailing_out", "from massmail.models.delivery import x"),
        ("massmail.templatetags.mailbuilder", "from massmail.content import markup"),
        ("massmail.migrations.0001_initial", "import massmail.models.delivery"),
        ("massmail.apps", "from massmail import checks\nimport massmail.forms"),
        ("massmail.tests.test_x", "from massmail.orchestrator import send"),
        ("massmail.sending.connections", "from massmail.backends.smtp import x"),
        ("massmail.orchestrator.send", "import massmail.sending, massmail.content"),
        ("massmail.reports.ledger", "import crm_like, massmailer, settingsx"),
    ],
)
def test_what_points_downward_is_allowed(module, source):
    assert objections(module, source) == []


def test_a_second_drawer_for_everything_is_found(tmp_path):
    for path in ("massmail/utils/x.py", "crm/helpers.py", "crm/helpers2.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    allowed = tmp_path / "common/utils/helpers.py"
    allowed.parent.mkdir(parents=True)
    allowed.touch()

    assert [line.partition(":")[0] for line in misplaced_files(tmp_path)] == [
        "massmail/utils/x.py",
        "crm/helpers.py",
        "crm/helpers2.py",
    ]
