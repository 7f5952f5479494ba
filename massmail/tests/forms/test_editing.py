"""The widget in which messages are written is the deployment's choice."""

from __future__ import annotations

import pytest
from django import forms

from massmail.checks import check_editor
from massmail.forms.editing import SourceText, VisualEditor
from massmail.forms.eml_message import EmlMessageForm


class OwnWidget(forms.Textarea):
    """As a host might bring."""


def test_a_plain_textarea_needs_nothing_else(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "EDITOR_WIDGET": dotted(SourceText)}

    html = str(EmlMessageForm()["content"])

    assert html.startswith("<textarea")
    assert "data-message-visual" not in html
    assert 'rows="26"' in html


def test_the_visual_editor_is_the_same_textarea_with_its_modules(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "EDITOR_WIDGET": dotted(VisualEditor)}

    html = str(EmlMessageForm()["content"])

    assert html.startswith("<textarea")
    assert 'data-message-visual="/static/django_prose_editor/editor.js"' in html


def test_a_host_may_bring_its_own(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "EDITOR_WIDGET": dotted(OwnWidget)}

    assert isinstance(EmlMessageForm().fields["content"].widget, OwnWidget)
    assert check_editor() == []


@pytest.mark.parametrize("path", ["no.such.Widget", "massmail.forms.editing.Nothing"])
def test_a_widget_that_is_not_there_is_found_by_the_checks(settings, path):
    settings.MASSMAIL = {**settings.MASSMAIL, "EDITOR_WIDGET": path}

    [error] = check_editor()

    assert error.id == "massmail.E005"


def test_the_visual_editor_without_its_modules_is_found_by_the_checks(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "EDITOR_WIDGET": dotted(VisualEditor)}
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django_prose_editor"
    ]

    [error] = check_editor()

    assert error.id == "massmail.E006"


def dotted(widget: type) -> str:
    return f"{widget.__module__}.{widget.__qualname__}"
