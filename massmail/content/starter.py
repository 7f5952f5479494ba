"""What a new message begins with: plain, complete, and good for a launch."""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The name by which one greets; not every kind of recipient has one.
GREETED_BY = "first_name"
GREETING = '{{ %(name)s|default:"%(somebody)s" }}'
TAGS = {
    "signature": mark_safe("{% signature %}"),
    "postal_address": mark_safe("{{ postal_address }}"),
    "unsubscribe_url": mark_safe("{{ unsubscribe_url }}"),
    "sender_email": mark_safe("{{ sender_email }}"),
}


@dataclass(frozen=True)
class Layout:
    """A message to begin with; its template is `massmail/starter/<name>.html`."""

    name: str
    title: str | Promise


# The first one is for whoever does not choose.
LAYOUTS = (
    Layout("announcement", gettext_lazy("Announcement")),
    Layout("newsletter", gettext_lazy("Newsletter")),
    Layout("offer", gettext_lazy("Offer")),
    Layout("letter", gettext_lazy("Personal letter")),
    Layout("invitation", gettext_lazy("Invitation")),
)


def layout_named(name: str) -> Layout:
    """The one that a request asks for; the first one for any other name."""
    return next((layout for layout in LAYOUTS if layout.name == name), LAYOUTS[0])


def starter_html(
    *,
    company_name: str = "",
    variables: Collection[str] | None = None,
    layout: Layout = LAYOUTS[0],
) -> str:
    """A whole document in the active language: greeting, text, signature, footer.

    It passes preflight as it is; the company's name is written above it. `variables`
    are what the recipients have (None: some of them have everything).
    """
    by_name = variables is None or GREETED_BY in variables
    return render_to_string(
        f"massmail/starter/{layout.name}.html",
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
