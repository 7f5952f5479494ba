"""The widgets in which messages are written; `MASSMAIL["EDITOR_WIDGET"]` names one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.templatetags.static import static
from django.utils.module_loading import import_string

from massmail.conf import conf


class SourceText(forms.Textarea):
    """Source with tags: no spelling marks, and the browser mends nothing in it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {
                "class": "vLargeTextField message-source",
                "spellcheck": "false",
                "autocapitalize": "off",
                "data-message-source": "",
                **(attrs or {}),
            }
        )


class VisualEditor(SourceText):
    """The source, and with JavaScript an editor that shows what it looks like.

    It is built on the modules of django-prose-editor, which must be installed.
    """

    NEEDED_APP = "django_prose_editor"
    MODULES = "django_prose_editor/editor.js"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["data-message-visual"] = static(self.MODULES)
        return context


def editor_widget(rows: int) -> forms.Widget:
    """The one that this site has chosen for the HTML of messages."""
    widget_class = import_string(conf.EDITOR_WIDGET)
    return widget_class({"rows": rows})
