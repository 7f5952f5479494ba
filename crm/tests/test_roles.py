"""Groups with rights after `migrate`."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from crm.roles import RIGHTS, keep_roles, permissions_of

pytestmark = pytest.mark.django_db


def granted(role: str) -> set[tuple[str, str]]:
    permissions = Group.objects.get(name=role).permissions
    return set(permissions.values_list("content_type__app_label", "codename"))


@pytest.mark.parametrize("role", RIGHTS)
def test_each_role_has_exactly_the_permissions_of_the_table(role):
    assert granted(role) == set(permissions_of(role))


def test_the_table_reads_as_the_design_says():
    managers, chiefs = granted("managers"), granted("chiefs")
    operators, heads = granted("operators"), granted("department heads")

    assert ("crm", "delete_contact") in managers
    assert ("massmail", "change_mailingout") in managers
    assert ("massmail", "delete_mailingout") not in managers
    assert {name.split("_")[0] for _app, name in chiefs} == {"view"}
    assert {app for app, _name in operators} == {"crm"}
    assert operators == granted("superoperators")
    assert heads == {
        ("massmail", "view_mailingout"),
        ("massmail", "view_delivery"),
        ("massmail", "view_messageversion"),
        ("massmail", "view_targetlist"),
    }


def test_nobody_sees_the_ledger_change_or_touches_users():
    for role in RIGHTS:
        names = {name for _app, name in granted(role)}
        assert not {name for name in names if name.endswith(("_user", "_group"))}
        assert not names & {"change_delivery", "delete_delivery", "add_delivery"}


def test_a_second_run_changes_nothing_and_keeps_what_a_superuser_granted():
    group = Group.objects.get(name="operators")
    extra = Permission.objects.get(codename="view_department")
    group.permissions.add(extra)

    keep_roles()

    assert granted("operators") == {
        *permissions_of("operators"),
        ("crm", "view_department"),
    }


def test_permissions_come_back_where_they_and_the_groups_are_gone():
    Group.objects.all().delete()
    Permission.objects.all().delete()

    keep_roles()

    assert granted("managers") == set(permissions_of("managers"))


@pytest.mark.django_db(transaction=True)
def test_a_flush_leaves_the_roles():
    call_command("flush", interactive=False, verbosity=0)

    assert granted("chiefs") == set(permissions_of("chiefs"))
