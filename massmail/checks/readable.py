"""Decorator of checks that read the MASSMAIL setting."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

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
