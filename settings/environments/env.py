"""The one place where the environment is read; `.env.example` documents each name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()
# A developer's `.env` must not lead the suite to the developer's own database.
if not os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith((".test", ".faults")):
    environ.Env.read_env(PROJECT_DIR / ".env")

POSTGRESQL_ENGINE = "django.db.backends.postgresql"
SQLITE_ENGINE = "django.db.backends.sqlite3"


def secret(name: str, *, help_text: str) -> str:
    """A value without which the site must not start."""
    value = env.str(name, default="")
    if not value.strip():
        raise ImproperlyConfigured(f"Set {name} in the environment: {help_text}")
    return value


def secrets(name: str, *, help_text: str) -> list[str]:
    """A comma-separated secret; the first element is the one that writes."""
    return [part.strip() for part in secret(name, help_text=help_text).split(",")]


def database(default: str) -> dict:
    """DATABASE_URL as an entry of DATABASES, with what safe sending needs."""
    config = env.db("DATABASE_URL", default=default)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == SQLITE_ENGINE:
        options |= sqlite_options()
    elif config["ENGINE"] == POSTGRESQL_ENGINE:
        config |= {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 0}
        options["pool"] = pool_options(options.get("pool", ""))
    return config


def sqlite_options() -> dict:
    """Writers queue up instead of failing, and a commit survives a power cut."""
    return {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;"
            "PRAGMA synchronous=FULL;"
            "PRAGMA foreign_keys=ON;"
            "PRAGMA cache_size=-32000;"
        ),
    }


def pool_options(value: str | bool) -> dict | bool:
    """`?pool=` of the URL; text from a URL would otherwise always count as true."""
    if str(value).lower() in ("", "0", "false", "no", "off"):
        return False
    return {"min_size": 1, "max_size": 8, "timeout": 10}


def public_base_url(*, default: str = "") -> str:
    """PUBLIC_BASE_URL without a slash at its end."""
    value = env.str("PUBLIC_BASE_URL", default=default).rstrip("/")
    if value and not re.match(r"https?://[^/]+", value):
        raise ImproperlyConfigured(
            "PUBLIC_BASE_URL must begin with https:// (or http:// for a trial)."
        )
    return value


def oauth_registrations() -> dict[str, dict[str, str]]:
    """Each OAUTH_<PROVIDER>_<NAME>: a new provider needs no line here."""
    found: dict[str, dict[str, str]] = {}
    for name, value in os.environ.items():
        matched = re.fullmatch(r"OAUTH_([A-Z0-9]+)_([A-Z_]+)", name)
        if matched and value.strip():
            found.setdefault(matched[1].lower(), {})[matched[2]] = value.strip()
    return found
