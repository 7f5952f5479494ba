"""Which models offer recipients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.module_loading import autodiscover_modules

from massmail.recipients.source import RecipientSource, label_of

Source = TypeVar("Source", bound=type[RecipientSource])

# Filled while the apps load, constant from then on.
_sources: dict[str, RecipientSource] = {}


def register(model: type[models.Model]) -> Callable[[Source], Source]:
    """Class decorator: offer the model's records as recipients.

    A proxy has the records of its model, and shares the source. Raises
    ImproperlyConfigured when the model has one already.
    """

    def decorate(source_class: Source) -> Source:
        label = label_of(model)
        if label in _sources:
            first = type(_sources[label]).__name__
            raise ImproperlyConfigured(
                f"{label} has a recipient source already: {first}. A proxy model "
                "shares that of its model."
            )
        _sources[label] = source_class(model)
        return source_class

    return decorate


def unregister(model: type[models.Model]) -> None:
    """Take a source away again, to put another in its place."""
    _sources.pop(label_of(model), None)


def autodiscover() -> None:
    """Import `massmail_recipients` of each installed app."""
    autodiscover_modules("massmail_recipients")


def sources() -> list[RecipientSource]:
    """All sources, in the order of their labels."""
    return [_sources[label] for label in sorted(_sources)]


def offers_recipients(model: type[models.Model]) -> bool:
    return label_of(model) in _sources


def source_of(model: type[models.Model]) -> RecipientSource:
    """The model's source; raises LookupError when it offers no recipients."""
    label = label_of(model)
    if label not in _sources:
        raise LookupError(f"{label} offers no recipients.")
    return _sources[label]


def source_for(content_type: ContentType) -> RecipientSource:
    """The source of a mailing's type; raises LookupError when its app is gone."""
    model = content_type.model_class()
    if model is None:
        raise LookupError(f"{content_type} is not installed any more.")
    return source_of(model)
