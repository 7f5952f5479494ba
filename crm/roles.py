"""The groups that are roles, and the model permissions that each of them has.

What a role sees and does with a single row is `crm.access`'s to answer. The groups
are kept up to date after every `migrate`, not by one data migration: a permission
exists only after its app's own `post_migrate`, later migrations add models, and
`flush` would take a migration's rows away for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS, router

MANAGERS = "managers"
CHIEFS = "chiefs"
OPERATORS = "operators"
SUPEROPERATORS = "superoperators"
DEPARTMENT_HEADS = "department heads"

VIEW = ("view",)
EDIT = ("add", "change", "view")
FULL = ("add", "change", "delete", "view")

RECORDS = ("crm.company", "crm.contact", "crm.lead")
CHOICES = ("crm.country", "crm.industry", "crm.clienttype")
TEXTS = (
    "massmail.attachment",
    "massmail.emlmessage",
    "massmail.libraryimage",
    "massmail.namedlink",
    "massmail.signature",
    "massmail.targetlist",
)
LEDGER = ("massmail.delivery", "massmail.messageversion")
HEALTH = ("massmail.accountevent", "massmail.alert", "massmail.emlaccountsqueue")

# What operators maintain; superoperators do it for all departments.
OPERATOR_RIGHTS = (
    (RECORDS, EDIT),
    (CHOICES, VIEW),
    (("crm.tag",), EDIT),
)
# Role → (models, actions) …
RIGHTS: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    MANAGERS: (
        (RECORDS, FULL),
        (CHOICES, VIEW),
        (("crm.tag",), EDIT),
        (TEXTS, FULL),
        (("massmail.emailaccount", "massmail.mailingout"), EDIT),
        (("massmail.masscontact",), ("change", "view")),
        (("massmail.suppressedaddress",), ("add", "view")),
        (LEDGER + HEALTH, VIEW),
    ),
    CHIEFS: (
        (RECORDS + CHOICES + ("crm.tag",), VIEW),
        (TEXTS, VIEW),
        (("massmail.emailaccount", "massmail.mailingout"), VIEW),
        (LEDGER + HEALTH, VIEW),
    ),
    OPERATORS: OPERATOR_RIGHTS,
    SUPEROPERATORS: OPERATOR_RIGHTS,
    DEPARTMENT_HEADS: (
        (("massmail.mailingout", "massmail.targetlist", *LEDGER), VIEW),
    ),
}


def permissions_of(role: str) -> Iterator[tuple[str, str]]:
    """(app label, codename) of each model permission of a role."""
    for models, actions in RIGHTS[role]:
        for label in models:
            app_label, model = label.split(".")
            for action in actions:
                yield app_label, f"{action}_{model}"


def keep_roles(
    *, using: str = DEFAULT_DB_ALIAS, apps: Any = installed_apps, **kwargs: Any
) -> None:
    """Receiver of `post_migrate`: the groups are there and have their permissions.

    Never takes away what a superuser granted besides. While the database is at an
    older migration, permissions of models that are not there yet are left out.
    """
    try:
        Group = apps.get_model("auth", "Group")
        Permission = apps.get_model("auth", "Permission")
    except LookupError:
        return
    if not router.allow_migrate_model(using, Group):
        return
    # Whatever the order of INSTALLED_APPS: other apps' receivers may come later.
    for label in granted_apps():
        create_permissions(
            installed_apps.get_app_config(label), verbosity=0, using=using, apps=apps
        )
    ids = permission_ids(Permission.objects.using(using))
    for role in RIGHTS:
        group, _created = Group.objects.using(using).get_or_create(name=role)
        wanted = {ids[key] for key in permissions_of(role) if key in ids}
        missing = wanted - set(group.permissions.values_list("pk", flat=True))
        group.permissions.add(*missing)


def granted_apps() -> list[str]:
    """Labels of the apps whose permissions roles have."""
    return sorted({label for role in RIGHTS for label, _name in permissions_of(role)})


def permission_ids(permissions: Any) -> dict[tuple[str, str], int]:
    rows = permissions.filter(content_type__app_label__in=granted_apps())
    return {
        (app_label, codename): pk
        for pk, app_label, codename in rows.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
