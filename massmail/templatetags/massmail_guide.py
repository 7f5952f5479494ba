"""The way from a page to the user guide."""

from __future__ import annotations

from django import template

from massmail.guide import help_url, section_of

register = template.Library()


@register.inclusion_tag("admin/massmail/guide_link.html", takes_context=True)
def guide_link(context: template.Context) -> dict[str, str]:
    """To the section about this page; nothing where no guide is named."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    section = section_of((match and match.url_name) or "")
    return {"guide_url": help_url(section)}
