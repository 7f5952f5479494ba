"""What massmail takes for granted of the project around it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist
from django.db import models

# Their templates and translations are used.
NEEDED_APPS = ("common", "django.contrib.admin", "django.contrib.humanize")
# What the database is asked of users.
USER_COLUMNS = ("is_active", "is_staff")


@register()
def check_project(**kwargs: Any) -> list[CheckMessage]:
    """What massmail takes for granted of the project around it."""
    found: list[CheckMessage] = [
        Error(f"massmail needs '{name}' in INSTALLED_APPS.", id="massmail.E009")
        for name in NEEDED_APPS
        if not apps.is_installed(name)
    ]
    if not settings.USE_TZ:
        found.append(
            Error(
                "massmail needs USE_TZ = True.",
                hint="Leases, limits and business hours are moments, not local times.",
                id="massmail.E010",
            )
        )
    user = get_user_model()
    missing = [name for name in USER_COLUMNS if not has_column(user, name)]
    if missing:
        found.append(
            Error(
                f"massmail asks users for columns that {user._meta.label} lacks: "
                f"{', '.join(missing)}.",
                obj=user,
                id="massmail.E011",
            )
        )
    return found


def has_column(model: type[models.Model], name: str) -> bool:
    try:
        return bool(model._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False
