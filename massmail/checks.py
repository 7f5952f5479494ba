"""System checks: what a deployment has wrong, before the first mailing shows it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from common.fields import encryptor
from massmail.backends.server import is_ehlo_name
from massmail.conf import conf
from massmail.recipients.access import access_policy
from massmail.recipients.registry import sources
from massmail.tracking.public_links import UNSUBSCRIBE, path_to_page, public_urlconf

# Needs nothing that massmail does not bring.
SOURCE_WIDGET = "massmail.forms.editing.SourceText"


@register()
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """The MASSMAIL setting and the encryption keys can be read and are complete."""
    try:
        address_key = conf.ADDRESS_KEY
        encryptor()
        access_policy()
    except (ImproperlyConfigured, ImportError) as error:
        return [Error(str(error), id="massmail.E001")]
    if address_key:
        return []
    return [
        Error(
            "MASSMAIL['ADDRESS_KEY'] is empty.",
            hint="It keys the don't-mail list; set it once and never change it.",
            id="massmail.E002",
        )
    ]


@register()
def check_sources(**kwargs: Any) -> list[CheckMessage]:
    """At least one model offers recipients, and each source's paths exist."""
    found: list[CheckMessage] = [
        Error(message, obj=source.model, id="massmail.E003")
        for source in sources()
        for message in source.problems()
    ]
    if not sources():
        found.append(
            Warning(
                "No model offers recipients.",
                hint="Register a RecipientSource in <app>/massmail_recipients.py.",
                id="massmail.W001",
            )
        )
    return found


@register()
def check_public_pages(**kwargs: Any) -> list[CheckMessage]:
    """Every mail needs the link to its unsubscribe page."""
    urlconf = public_urlconf()
    try:
        path_to_page(UNSUBSCRIBE, urlconf)
    except (NoReverseMatch, ImportError) as error:
        return [
            Error(
                f"{urlconf} does not lead to the recipients' pages: {error}",
                hint="Include massmail.public_urls there, or name the right urlconf "
                "in MASSMAIL['PUBLIC_URLCONF'].",
                id="massmail.E004",
            )
        ]
    return []


@register()
def check_editor(**kwargs: Any) -> list[CheckMessage]:
    """The widget in which messages are written is there, with its files."""
    try:
        widget = import_string(conf.EDITOR_WIDGET)
    except ImportError as error:
        return [
            Error(
                f"MASSMAIL['EDITOR_WIDGET']: {error}",
                hint=f"Without an editor of your own: {SOURCE_WIDGET}.",
                id="massmail.E005",
            )
        ]
    needed = getattr(widget, "NEEDED_APP", "")
    if not needed or apps.is_installed(needed):
        return []
    return [
        Error(
            f"{conf.EDITOR_WIDGET} needs {needed} in INSTALLED_APPS.",
            hint=f"Install it (the extra “editor”), or choose {SOURCE_WIDGET}.",
            id="massmail.E006",
        )
    ]


@register()
def check_ehlo_name(**kwargs: Any) -> list[CheckMessage]:
    """Servers are greeted with it, and no login could begin with an impossible one."""
    if is_ehlo_name(conf.EHLO_NAME):
        return []
    return [
        Error(
            "MASSMAIL['EHLO_NAME'] must be one printable ASCII word.",
            hint="The host's full name; blank for the connection's own address.",
            id="massmail.E007",
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
