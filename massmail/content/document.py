"""The whole HTML document around a sanitised body."""

from __future__ import annotations

import html
import re

import css_inline
from django.utils.translation import gettext as _

from massmail.content.css import clean_style_sheet
from massmail.content.markers import Markers
from massmail.content.markup import Attributes, Markup
from massmail.content.program import Program, escaped
from massmail.content.sanitizer import SERIALISED, sanitize_attributes
from massmail.exceptions import MessageTemplateError

# Elements × characters of CSS: an inliner may copy every rule to every element.
MAX_STYLE_WORK = 50_000_000

HEAD = (
    '<meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<meta name="supported-color-schemes" content="light dark">'
)
# Clients show some 100 characters after the subject; the padding keeps the
# beginning of the body out of them.
PREHEADER_START = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;'
    'mso-hide:all">'
)
PREHEADER_END = "&zwnj;&nbsp;" * 40 + "</div>"

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class Body:
    """A sanitised body with its style sheet inlined.

    `tag` is `<body …>`, `content` what is in it (with markers), `styles` the media
    queries that only a style sheet can express.
    """

    def __init__(self, markup: Markup, content: str, markers: Markers) -> None:
        attributes = sanitize_attributes(markup.body_attributes, markers)
        self.tag, self.content, self.styles = f"<body{attributes}>", content, ""
        self.root = root_tag(markup.html_attributes)
        styles = "\n".join(clean_style_sheet(style) for style in markup.styles)
        if styles.strip():
            self._inline(styles)

    def _inline(self, styles: str) -> None:
        if self.content.count("<") * len(styles) > MAX_STYLE_WORK:
            raise MessageTemplateError(_("There are too many styles and elements."))
        document = (
            f"<html><head><style>{styles}</style></head>{self.tag}{self.content}"
            "</body></html>"
        )
        try:
            document = _INLINER.inline(document)
        except css_inline.InlineError as error:
            raise MessageTemplateError(_("The styles cannot be read.")) from error
        head, _end, body = document.partition("</head>")
        tag = SERIALISED.match(body)
        if not tag:
            raise MessageTemplateError(_("The styles cannot be read."))
        self.tag, self.content = tag[0], body[tag.end() :]
        self.content = self.content.removesuffix("</html>").removesuffix("</body>")
        self.styles = "".join(style.strip() for style in _STYLE.findall(head))


def root_tag(attributes: Attributes) -> str:
    """`<html>` with language and direction, when they are well-formed."""
    given = dict(attributes)
    kept = ""
    if _LANGUAGE.fullmatch(given.get("lang", "")):
        kept += f' lang="{given["lang"]}"'
    if given.get("dir", "").lower() in ("ltr", "rtl", "auto"):
        kept += f' dir="{given["dir"].lower()}"'
    return f"<html{kept}>"


def document_around(
    body: Body, content: Program, *, subject: Program, preheader: Program
) -> Program:
    """`content` is the body's content with its markers resolved."""
    styles = f"<style>{body.styles}</style>" if body.styles else ""
    return (
        f"<!DOCTYPE html>\n{body.root}<head>{HEAD}<title>",
        *escaped(subject, html.escape),
        f"</title>{styles}</head>\n{body.tag}",
        *_hidden(escaped(preheader, html.escape)),
        *content,
        "</body></html>\n",
    )


def _hidden(preheader: Program) -> Program:
    return (PREHEADER_START, *preheader, PREHEADER_END) if preheader else ()
