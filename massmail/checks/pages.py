"""The recipients' pages, and the widget in which messages are written."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from massmail.checks.readable import where_conf_is_readable
from massmail.conf import conf
from massmail.tracking.public_links import UNSUBSCRIBE, path_to_page, public_urlconf

# Needs nothing that massmail does not bring.
SOURCE_WIDGET = "massmail.forms.editing.SourceText"


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
