"""Absolute links to the recipients' pages."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import get_script_prefix, reverse

from massmail import tokens
from massmail.conf import conf

UNSUBSCRIBE = "unsubscribe"
PLACEHOLDER = "TOKEN"


def unsubscribe_url(*, base_url: str, delivery_id: int, address_key: str) -> str:
    """The link of one recipient; `base_url` has no slash at its end.

    The path comes from the urlconf once per process, each recipient costs the
    token alone.
    """
    token = tokens.make(UNSUBSCRIBE, delivery_id=delivery_id, address_key=address_key)
    return f"{base_url}{path_to_page(UNSUBSCRIBE, public_urlconf())}{token}"


def public_urlconf() -> str:
    """The urlconf that the recipients' host serves."""
    return conf.PUBLIC_URLCONF or settings.ROOT_URLCONF


@lru_cache(maxsize=16)
def path_to_page(name: str, urlconf: str) -> str:
    """The path up to the token, which is its last part.

    Without the script prefix: it is part of `base_url`, since a worker, which makes
    most links, does not know it.
    """
    path = reverse(f"massmail_public:{name}", urlconf, [PLACEHOLDER])
    return "/" + path.removeprefix(get_script_prefix()).removesuffix(PLACEHOLDER)
