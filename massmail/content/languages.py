"""The language of a message: in it dates are written, whoever looks or sends."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import date

from django.conf import settings
from django.utils import translation

from massmail.content.values import Values

NOTHING: AbstractContextManager[None] = nullcontext()


def supported_language(tag: str) -> str:
    """The site's language that fits the `lang` of a document; "" when none does."""
    try:
        return translation.get_supported_language_variant(tag.lower())
    except LookupError:
        return ""


def dates_in(
    language: str, names: Iterable[str], values: Values
) -> AbstractContextManager[None]:
    """For filling these names in: in this language, "" for the site's.

    Without a date among them nothing speaks it, and to change languages would take as
    long as all the rest of a copy.
    """
    for name in names:
        if isinstance(values.get(name), date):
            return translation.override(language or settings.LANGUAGE_CODE)
    return NOTHING
