"""What the settings say: keys, addresses, names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from common.fields import encryptor
from massmail.backends.server import is_ehlo_name
from massmail.checks.readable import where_conf_is_readable
from massmail.conf import conf
from massmail.recipients.access import AccessPolicy, access_policy

NEW_KEY = (
    "python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'"
)


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
