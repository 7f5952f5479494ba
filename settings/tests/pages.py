"""Every page of the site, found by walking the urlconf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
ADMIN_PAGE = re.compile(r"(\w+)/(\w+)/")


@dataclass(frozen=True)
class Page:
    """One URL pattern, as a route with `<name>` for each argument."""

    route: str
    arguments: tuple[str, ...]

    @property
    def model(self) -> type[Model] | None:
        """The model whose admin page it is."""
        found = ADMIN_PAGE.match(self.route)
        try:
            return apps.get_model(*found.groups()) if found else None
        except LookupError:
            return None

    @property
    def kind(self) -> str:
        """The last fixed word: change, history, delete … ("" for a list)."""
        last = self.route.rstrip("/").rpartition("/")[2]
        return last if self.arguments and not ARGUMENT.search(last) else ""

    def path(self, values: dict[str, object]) -> str:
        """Raises KeyError for an argument without a value."""
        return "/" + ARGUMENT.sub(
            lambda found: str(values[found[1] or found[2]]), self.route
        )


def pages() -> list[Page]:
    return [page_of(route) for route in routes(get_resolver(settings.ROOT_URLCONF))]


def page_of(route: str) -> Page:
    arguments = (found[1] or found[2] for found in ARGUMENT.finditer(route))
    return Page(route, tuple(arguments))


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + text_of(entry)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        else:
            yield route


def text_of(entry: URLPattern | URLResolver) -> str:
    text = str(entry.pattern)
    if isinstance(entry.pattern, RegexPattern):
        return text.removeprefix("^").removesuffix("$")
    return text
