"""Which databases serve, and that everything is in the same one."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection, models, router

from massmail.recipients.registry import sources

VENDORS = ("postgresql", "sqlite")
SQLITE_TIMEOUT = 20


@register()
def check_one_database(**kwargs: Any) -> list[CheckMessage]:
    """Whether a recipient may be mailed is asked in the UPDATE of the ledger."""
    together: list[type[models.Model]] = [
        *apps.get_app_config("massmail").get_models(),
        *(source.model for source in sources()),
        get_user_model(),
        Group,
        ContentType,
    ]
    elsewhere = sorted({each._meta.label for each in together if lives_elsewhere(each)})
    if not elsewhere:
        return []
    return [
        Error(
            "massmail, its users and its recipients are read and written in the "
            f"database 'default' alone; a router sends elsewhere: "
            f"{', '.join(elsewhere)}.",
            hint="Let the router return None or 'default' for them, for reads, too: "
            "a replica that lags behind would let people be mailed who have left.",
            id="massmail.E012",
        )
    ]


def lives_elsewhere(model: type[models.Model]) -> bool:
    used = {router.db_for_read(model), router.db_for_write(model)}
    return used != {DEFAULT_DB_ALIAS}


@register()
def check_vendor(**kwargs: Any) -> list[CheckMessage]:
    """Statements are written for two databases, and SQLite has to be told to queue."""
    if connection.vendor not in VENDORS:
        text = f"massmail works on PostgreSQL and SQLite, not on {connection.vendor}."
        return [Error(text, id="massmail.E014")]
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql" or (
        options.get("transaction_mode") == "IMMEDIATE"
        and options.get("timeout", 0) >= SQLITE_TIMEOUT
    ):
        return []
    return [
        Warning(
            "On SQLite the site and the sender would meet “database is locked”.",
            hint="Set the OPTIONS of docs/embedding.md: transaction_mode IMMEDIATE, "
            f"timeout {SQLITE_TIMEOUT} or more, and WAL by init_command.",
            id="massmail.W003",
        )
    ]


@register(deploy=True)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """SQLite serves one host with one sending process; say so where it is deployed."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if not engine.endswith("sqlite3"):
        return []
    return [
        Warning(
            "SQLite allows one writer at a time and one host.",
            hint="Use PostgreSQL for several workers (DATABASE_URL).",
            id="massmail.W002",
        )
    ]
