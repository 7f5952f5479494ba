"""The language of a message: in it dates are written, whoever looks or sends."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from django.conf import settings
from django.utils import translation

P = ParamSpec("P")
Result = TypeVar("Result")


class Written(Protocol):
    """What is written in a language."""

    @property
    def language(self) -> str: ...


Own = TypeVar("Own", bound=Written)


def supported_language(tag: str) -> str:
    """The site's language that fits the `lang` of a document; "" when none does."""
    try:
        return translation.get_supported_language_variant(tag.lower())
    except LookupError:
        return ""


def in_own_language(
    function: Callable[Concatenate[Own, P], Result],
) -> Callable[Concatenate[Own, P], Result]:
    """A method that fills in values: not in the language of who asks for it."""

    @wraps(function)
    def filled(own: Own, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        with translation.override(own.language or settings.LANGUAGE_CODE):
            return function(own, *args, **kwargs)

    return filled
