"""Mailboxes' providers by name: each is one module of this package.

A host adds its own by `register`, for instance in its `AppConfig.ready`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from massmail.backends.oauth2.base import Provider

_registered: dict[str, type[Provider]] = {}
# What providers share; it needs libraries that a site without any does not have.
SHARED = frozenset({"base", "web"})


def register(provider: type[Provider]) -> type[Provider]:
    """Class decorator; raises ValueError for a name that is taken."""
    known = _registered.setdefault(provider.name, provider)
    if known is not provider:
        raise ValueError(f"There is a provider {provider.name!r} already.")
    return provider


@functools.cache
def _discover() -> None:
    """Import the package's modules; each registers its provider."""
    for module in pkgutil.iter_modules(__path__):
        if module.name in SHARED:
            continue
        importlib.import_module(f"{__name__}.{module.name}")


def providers() -> dict[str, Provider]:
    """{name: provider}, those that this site has not set up, too."""
    _discover()
    return {name: provider() for name, provider in sorted(_registered.items())}


def provider_named(name: str) -> Provider | None:
    """None for a login method that is no provider's."""
    return providers().get(name)
