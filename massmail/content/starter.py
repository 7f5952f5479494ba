"""What a new message begins with: plain, complete, and good for a launch."""

from __future__ import annotations

import html
from collections.abc import Collection

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

# The name by which one greets; not every kind of recipient has one.
GREETED_BY = "first_name"
GREETING = '{{ %(name)s|default:"%(somebody)s" }}'
TAGS = {
    "signature": mark_safe("{% signature %}"),
    "postal_address": mark_safe("{{ postal_address }}"),
    "unsubscribe_url": mark_safe("{{ unsubscribe_url }}"),
}


def starter_html(
    *, company_name: str = "", variables: Collection[str] | None = None
) -> str:
    """A whole document in the active language: greeting, text, signature, footer.

    It passes preflight as it is; the company's name is written above it. `variables`
    are what the recipients have (None: some of them have everything).
    """
    by_name = variables is None or GREETED_BY in variables
    return render_to_string(
        "massmail/starter/message.html",
        {
            "company_name": mark_safe(as_constant(company_name)),
            "greeting": mark_safe(greeting(by_name=by_name)),
            "tags": TAGS,
        },
    )


def greeting(*, by_name: bool) -> str:
    """By name, or as one greets somebody whose name is not known."""
    somebody = _("Sir or Madam")
    name = as_constant(somebody)
    if by_name:
        name = GREETING % {"name": GREETED_BY, "somebody": constant_text(somebody)}
    before, _place, after = _("Dear %(name)s,").partition("%(name)s")
    return as_constant(before) + name + as_constant(after)


def as_constant(text: str) -> str:
    """Text for the HTML of a message that is no tag, whatever braces it has."""
    return html.escape(text).replace("{", "&#123;")


def constant_text(text: str) -> str:
    """For a filter's argument in quotes."""
    return text.replace('"', "").replace("\\", "")
