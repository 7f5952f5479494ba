"""Absolute links to the recipients' pages."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import get_script_prefix, reverse

from massmail import tokens
from massmail.conf import conf

# Names of pages, and the purposes of the tokens in their addresses.
UNSUBSCRIBE = "unsubscribe"
RESUBSCRIBE = "resubscribe"
# The same page, for the lists of the mail that a second token (SCOPE) names.
RESUBSCRIBE_TO_LISTS = "resubscribe_to_lists"
SCOPE = "scope"
VIEW = "view"
CLICK = "click"
OPEN = "open"
# A page whose address has a word in place of a token.
NAMED_LINK = "named_link"
PLACEHOLDER = "TOKEN"

# What the compiler's rewritten addresses end with.
CLICK_VARIABLE = "click_token"
OPEN_VARIABLE = "open_token"
VIEW_VARIABLE = "view_url"


def unsubscribe_url(*, base_url: str, delivery_id: int, address_key: str) -> str:
    """The link of one recipient; `base_url` has no slash at its end.

    The path comes from the urlconf once per process, each recipient costs the
    token alone.
    """
    return personal_url(
        UNSUBSCRIBE, base_url=base_url, delivery_id=delivery_id, address_key=address_key
    )


def personal_url(
    page: str, *, base_url: str, delivery_id: int, address_key: str
) -> str:
    """The address of a page for one recipient; its token opens no other page."""
    token = tokens.make(page, delivery_id=delivery_id, address_key=address_key)
    return f"{base_url}{path_to_page(page, public_urlconf())}{token}"


def lists_resubscribe_url(
    *, base_url: str, confirmation_id: int, delivery_id: int, address_key: str
) -> str:
    """That of a confirmation mail about the lists of an earlier mail."""
    tokens_of_page = [
        tokens.make(purpose, delivery_id=pk, address_key=address_key)
        for purpose, pk in (
            (RESUBSCRIBE_TO_LISTS, confirmation_id),
            (SCOPE, delivery_id),
        )
    ]
    path = path_to_page(RESUBSCRIBE, public_urlconf())
    return f"{base_url}{path}{'/'.join(tokens_of_page)}"


def link_values(
    names: Collection[str], *, base_url: str, delivery_id: int, address_key: str
) -> dict[str, str]:
    """Of a recipient's links those that a message uses (`names`)."""
    of_recipient: dict[str, Any] = {
        "delivery_id": delivery_id,
        "address_key": address_key,
    }
    values = {}
    if VIEW_VARIABLE in names:
        values[VIEW_VARIABLE] = personal_url(VIEW, base_url=base_url, **of_recipient)
    if CLICK_VARIABLE in names:
        values[CLICK_VARIABLE] = tokens.make(CLICK, **of_recipient)
    if OPEN_VARIABLE in names:
        values[OPEN_VARIABLE] = tokens.make(OPEN, **of_recipient)
    return values


def click_address(code: str, base_url: str) -> str:
    """A tracked link as the compiler gets it: each recipient brings the token."""
    path = path_to_page(CLICK, public_urlconf(), code)
    return f"{base_url}{path}{{{{ {CLICK_VARIABLE} }}}}"


def pixel_address(base_url: str) -> str:
    path = path_to_page(OPEN, public_urlconf())
    return f"{base_url}{path}{{{{ {OPEN_VARIABLE} }}}}"


def named_link_url(slug: str, base_url: str) -> str:
    """What is written into a message; it works by itself, too."""
    return f"{base_url}{path_to_page(NAMED_LINK, public_urlconf())}{slug}"


def slug_in(address: str, base_url: str) -> str:
    """The word of a named link's address; "" for any other address."""
    start = named_link_url("", base_url)
    return address.removeprefix(start) if address.startswith(start) else ""


def public_urlconf() -> str:
    """The urlconf that the recipients' host serves."""
    return conf.PUBLIC_URLCONF or settings.ROOT_URLCONF


@lru_cache(maxsize=1024)
def path_to_page(name: str, urlconf: str, *before: str) -> str:
    """The path up to the token, which is its last part, behind those given.

    Without the script prefix: it is part of `base_url`, since a worker, which makes
    most links, does not know it.
    """
    path = reverse(f"massmail_public:{name}", urlconf, [*before, PLACEHOLDER])
    return "/" + path.removeprefix(get_script_prefix()).removesuffix(PLACEHOLDER)
