"""Style sheets and `style` attributes, reduced to what a newsletter needs.

Untrusted: what is not understood is left out, never repaired. Nothing that loads
(`@import`, `url()`), runs (`expression()`, `behavior`) or leaves the message's own
box (`position`) gets through, and no escapes, in which all these could hide.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from massmail.content.vocabulary import CSS_FUNCTIONS, CSS_PROPERTIES
from massmail.exceptions import MessageTemplateError

MAX_STYLE_SHEET_LENGTH = 64 * 1024  # characters

_PROPERTY_FAMILY = re.compile(
    r"(?:border|margin|padding|font|text|outline|list-style|mso)(?:-[a-z]+)*"
)
_FUNCTION = re.compile(r"([a-z\-]*)\s*\(")
_VALUE = re.compile(r"""[\w\s#%.,!()+*/'"\-]*""")
_SELECTOR = re.compile(r"""[\w\s.#:,>+~*()\[\]='"^$|\-]+""")
_MEDIA = re.compile(r"@media(?:\s[\w\s():,.\-/]*)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SEPARATORS = re.compile(r"[{};]")


def clean_declarations(text: str) -> str:
    """The declarations of a `style` attribute or of one rule that are allowed."""
    text = _COMMENT.sub(" ", text)
    clean = (_clean_declaration(declaration) for declaration in text.split(";"))
    return ";".join(declaration for declaration in clean if declaration)


def _clean_declaration(declaration: str) -> str:
    name, _colon, value = declaration.partition(":")
    name, value = name.strip().lower(), " ".join(value.split())
    known = name in CSS_PROPERTIES or _PROPERTY_FAMILY.fullmatch(name)
    return f"{name}:{value}" if known and _is_harmless(value) else ""


def _is_harmless(value: str) -> bool:
    functions = _FUNCTION.findall(value.lower())
    return (
        bool(value)
        and bool(_VALUE.fullmatch(value))
        and _is_balanced(value)
        and all(name in CSS_FUNCTIONS or not name for name in functions)
    )


def _is_balanced(text: str) -> bool:
    return (
        text.count("(") == text.count(")")
        and text.count('"') % 2 == 0
        and text.count("'") % 2 == 0
    )


def clean_style_sheet(text: str) -> str:
    """Rules and `@media` blocks with what is allowed in them.

    Raises `MessageTemplateError` when it is longer than 64 kB.
    """
    if len(text) > MAX_STYLE_SHEET_LENGTH:
        size = {"count": MAX_STYLE_SHEET_LENGTH // 1024}
        raise MessageTemplateError(_("The styles are longer than %(count)d kB.") % size)
    text = _COMMENT.sub(" ", text).replace("<!--", " ").replace("-->", " ")
    return "\n".join(_clean_block(prelude, body) for prelude, body in _blocks(text))


def _blocks(text: str) -> list[tuple[str, str]]:
    """`prelude { body }` at the outermost level; statements without body dropped."""
    blocks, depth, start, prelude, body_start = [], 0, 0, "", 0
    for separator in _SEPARATORS.finditer(text):
        sign, place = separator[0], separator.start()
        if sign == "{":
            depth += 1
            if depth == 1:
                prelude, body_start = text[start:place].strip(), place + 1
        elif sign == "}":
            depth = max(depth - 1, 0)
            if depth == 0:
                blocks.append((prelude, text[body_start:place]))
        if depth == 0:
            start, prelude, body_start = place + 1, "", place + 1
    return blocks


def _clean_block(prelude: str, body: str) -> str:
    if prelude.startswith("@"):
        if not _MEDIA.fullmatch(prelude) or not _is_balanced(prelude):
            return ""
        rules = "".join(_clean_rule(*block) for block in _blocks(body))
        return f"{' '.join(prelude.split())}{{{rules}}}" if rules else ""
    return _clean_rule(prelude, body)


def _clean_rule(selector: str, body: str) -> str:
    """Empty when the selector or all declarations are refused."""
    if "{" in body or not _SELECTOR.fullmatch(selector) or not _is_balanced(selector):
        return ""
    declarations = clean_declarations(body)
    return f"{' '.join(selector.split())}{{{declarations}}}" if declarations else ""
