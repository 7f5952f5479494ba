"""System checks: what a deployment has wrong, before the first mailing shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, models, router
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from common.fields import encryptor
from massmail.backends.server import is_ehlo_name
from massmail.conf import conf
from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.recipients.access import AccessPolicy, access_policy
from massmail.recipients.registry import sources
from massmail.tracking.public_links import UNSUBSCRIBE, path_to_page, public_urlconf

# Needs nothing that massmail does not bring.
SOURCE_WIDGET = "massmail.forms.editing.SourceText"
NEW_KEY = (
    "python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'"
)
# Their templates and translations are used.
NEEDED_APPS = ("common", "django.contrib.admin", "django.contrib.humanize")
# What the database is asked of users.
USER_COLUMNS = ("is_active", "is_staff")
VENDORS = ("postgresql", "sqlite")
SQLITE_TIMEOUT = 20

Check = Callable[..., list[CheckMessage]]


def where_conf_is_readable(check: Check) -> Check:
    """Decorator: why MASSMAIL cannot be read is said once, by `check_settings`."""

    @wraps(check)
    def checked(**kwargs: Any) -> list[CheckMessage]:
        try:
            return check(**kwargs)
        except ImproperlyConfigured:
            return []

    return checked


@register()
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """The MASSMAIL setting and the encryption keys can be read and are complete."""
    return [*keys_problems(), *conf_problems()]


def keys_problems() -> Iterator[CheckMessage]:
    try:
        encryptor()
    except ImproperlyConfigured as error:
        hint = f"A setting of the project, a list. A new key: {NEW_KEY}"
        yield Error(str(error), hint=hint, id="massmail.E001")


def conf_problems() -> Iterator[CheckMessage]:
    try:
        address_key: str = conf.ADDRESS_KEY
        # Whatever the path leads to.
        policy: Any = access_policy()
    except (ImproperlyConfigured, ImportError) as error:
        yield Error(str(error), id="massmail.E001")
        return
    if not isinstance(policy, AccessPolicy):
        yield Error(
            f"MASSMAIL['ACCESS_POLICY']: {conf.ACCESS_POLICY} is no AccessPolicy.",
            hint="Subclass massmail.recipients.AccessPolicy.",
            id="massmail.E001",
        )
    if not address_key:
        yield Error(
            "MASSMAIL['ADDRESS_KEY'] is empty.",
            hint="It keys the don't-mail list; set it once and never change it.",
            id="massmail.E002",
        )


@register()
@where_conf_is_readable
def check_addresses(**kwargs: Any) -> list[CheckMessage]:
    """Links in mails begin with them."""
    return [
        Error(
            f"MASSMAIL['{name}'] must begin with https:// or http://.",
            id="massmail.E008",
        )
        for name in ("PUBLIC_BASE_URL", "STAFF_BASE_URL")
        if (value := getattr(conf, name))
        and not value.startswith(("https://", "http://"))
    ]


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
def check_sources(**kwargs: Any) -> list[CheckMessage]:
    """At least one model offers recipients, and each source's paths exist."""
    found: list[CheckMessage] = [
        Error(message, obj=source.model, id="massmail.E003")
        for source in sources()
        for message in source.problems()
    ]
    found += [
        Error(
            f"{type(source).__name__}: the variable '{name}' has a meaning of its own.",
            hint=f"Choose another name than {', '.join(STANDARD_VARIABLES)}.",
            obj=source.model,
            id="massmail.E003",
        )
        for source in sources()
        for name in sorted({*source.variables} & {*STANDARD_VARIABLES})
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
@where_conf_is_readable
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
@where_conf_is_readable
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
@where_conf_is_readable
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


@register()
@where_conf_is_readable
def check_oauth(**kwargs: Any) -> list[CheckMessage]:
    """Who has registered with a provider can speak to it."""
    if not conf.OAUTH or find_spec("requests"):
        return []
    return [
        Error(
            "MASSMAIL['OAUTH'] names providers, but their libraries are not installed.",
            hint="pip install 'django-crm-massmail[oauth]'",
            id="massmail.E013",
        )
    ]


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
