"""The restricted template language of messages: parsing and its limits.

The text of a message is untrusted. It is parsed by an engine that has no loaders
and one library, `mailbuilder`; whatever that does not offer is refused here, with
line and column, and never rendered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import cast

from django.template import TemplateSyntaxError
from django.template.base import (
    DebugLexer,
    NodeList,
    Origin,
    Parser,
    Token,
    TokenType,
    VariableNode,
)
from django.template.engine import Engine
from django.utils.translation import gettext as _

from massmail.content.conditions import Names
from massmail.content.expressions import Expression, parse_expression
from massmail.content.nodes import IMAGE_TAG_PREFIX, ChoiceNode
from massmail.content.program import (
    Program,
    as_it_is,
    program_of,
    required_names,
    used_names,
)
from massmail.content.tokens import error_at, is_block, is_image_tag, keyword_of
from massmail.content.values import encodable
from massmail.exceptions import MessageTemplateError
from massmail.templatetags.mailbuilder import image_tag

STANDARD_VARIABLES = (
    "unsubscribe_url",
    "view_url",
    "postal_address",
    "sender_name",
    "sender_email",
    "today",
)
MAX_SOURCE_BYTES = 512 * 1024
MAX_NODES = 2_000
MAX_DEPTH = 10
MAX_LOST_COMMENTS = 50


class MailEngine(Engine):
    """Knows the tags and filters of `mailbuilder` and no template of any name."""

    default_builtins = ["massmail.templatetags.mailbuilder"]

    def __init__(self) -> None:
        super().__init__(dirs=[], loaders=[], libraries={}, debug=False)


ENGINE = MailEngine()
KNOWN_TAGS = frozenset({"elif", "else", "endif"}).union(
    *(library.tags for library in ENGINE.template_builtins)
)


class MailParser(Parser):
    """Django's parser with our variables, and errors that a writer understands."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        origin = Origin("message")
        super().__init__(list(tokens), {}, ENGINE.template_builtins, origin)
        for token in tokens:
            if is_image_tag(token):
                self.tags[keyword_of(token)] = image_tag

    def compile_filter(self, token: str) -> Expression:  # type: ignore[override]
        # Django only puts it into a VariableNode, where `program_of` finds it.
        return parse_expression(token)

    def invalid_block_tag(
        self, token: Token, command: str, parse_until: Iterable[str] | None = None
    ) -> None:
        text = _("“%(name)s” without an “if” before it.")
        raise self.error(token, text % {"name": command})

    def unclosed_block_tag(self, parse_until: Iterable[str]) -> None:
        command, token = self.command_stack.pop()
        text = _("“%(name)s” is never closed by “endif”.") % {"name": command}
        raise self.error(token, text)


@dataclass(frozen=True)
class ParsedTemplate:
    """A source that passed every check.

    `used` are all names in it, `required` those printed without a fallback where
    no `if` has made sure of them.
    """

    source: str
    tokens: tuple[Token, ...]
    program: Program = field(repr=False)
    used: Names
    required: Names


def parse(
    source: str,
    *,
    variables: Collection[str] | None,
    images: Collection[str] | None = None,
) -> ParsedTemplate:
    """Parse and check; raises `MessageTemplateError` with line and column.

    `variables` and `images` are the names that exist (the standard variables always
    do); None leaves names unchecked.
    """
    source = encodable(source).replace("\0", "\ufffd")
    if is_too_long(source):
        raise MessageTemplateError(too_long_text())
    _check_braces(source)
    tokens = DebugLexer(source).tokenize()
    _check_tokens(tokens, source)
    nodes = parse_tokens(tokens, source)
    _check_names(nodes, source, variables)
    _check_images(tokens, source, images)
    program = program_of(nodes, as_it_is)
    return ParsedTemplate(
        source, tuple(tokens), program, used_names(program), required_names(program)
    )


def is_too_long(source: str) -> bool:
    """To be asked before anything that looks at each character of a text."""
    return len(source) > MAX_SOURCE_BYTES or (
        len(source.encode(errors="replace")) > MAX_SOURCE_BYTES
    )


def too_long_text() -> str:
    text = _("The text is longer than %(count)d kB.")
    return text % {"count": MAX_SOURCE_BYTES // 1024}


def parse_tokens(tokens: Sequence[Token], source: str) -> NodeList:
    """Nodes of tokens that were taken from `source`; raises as `parse` does."""
    try:
        return MailParser(tokens).parse()
    except TemplateSyntaxError as error:
        token = getattr(error, "token", None)
        raise error_at(source, token, str(error)) from error


def _check_braces(source: str) -> None:
    """Braces that open a tag, but are not closed in their line, are a slip.

    Recipients would read them, and the lexer would search the whole line for the
    end of each.
    """
    for number, line in enumerate(source.split("\n"), start=1):
        for opening, closing in (("{{", "}}"), ("{%", "%}")):
            lost = line.find(opening, line.rfind(closing) + 1)
            if lost >= 0:
                text = _("A tag is opened here, but not closed on the same line.")
                raise MessageTemplateError(text, line=number, column=lost + 1)
        # A style sheet in one line may well say `{#header{`, but not very often.
        if line.count("{#", line.rfind("#}") + 1) > MAX_LOST_COMMENTS:
            column = line.rfind("{#") + 1
            text = _("Too many comments are opened, but not closed in this line.")
            raise MessageTemplateError(text, line=number, column=column)


def _check_tokens(tokens: Sequence[Token], source: str) -> None:
    """What has to be known before the parser, which recurses, is let loose."""
    depth = 0
    for number, token in enumerate(tokens, start=1):
        if number > MAX_NODES:
            text = _("More than %(count)d tags and pieces of text.")
            raise error_at(source, token, text % {"count": MAX_NODES})
        _check_is_known(token, source)
        if is_block(token):
            depth += {"if": 1, "endif": -1}.get(keyword_of(token), 0)
        if depth > MAX_DEPTH:
            text = _("“if” nested more than %(count)d deep.")
            raise error_at(source, token, text % {"count": MAX_DEPTH})


def _check_is_known(token: Token, source: str) -> None:
    """Before the parser, since `verbatim` is the lexer's own tag."""
    if token.token_type in (TokenType.TEXT, TokenType.COMMENT):
        return
    if not token.contents:
        raise error_at(source, token, _("The tag is empty."))
    keyword = keyword_of(token)
    is_known = keyword in KNOWN_TAGS or is_image_tag(token)
    if is_block(token) and not is_known:
        text = _("The tag “%(name)s” is not available.") % {"name": keyword[:60]}
        raise error_at(source, token, text)


def _check_names(
    nodes: NodeList, source: str, variables: Collection[str] | None
) -> None:
    if variables is None:
        return
    known = {*variables, *STANDARD_VARIABLES}
    for token, names in _names_by_token(nodes):
        for name in sorted(names - known):
            text = _("There is no variable “%(name)s”.") % {"name": name}
            raise error_at(source, token, text + _nearest(name, known))


def _names_by_token(nodes: NodeList) -> Iterable[tuple[Token | None, Names]]:
    for node in nodes:
        if isinstance(node, VariableNode):
            expression = cast(Expression, node.filter_expression)
            yield node.token, frozenset({expression.name})
        elif isinstance(node, ChoiceNode):
            for branch in node.branches:
                if branch.condition:
                    yield branch.tag, branch.condition.names
                yield from _names_by_token(branch.nodes)


def _check_images(
    tokens: Sequence[Token], source: str, images: Collection[str] | None
) -> None:
    for token in tokens:
        name = keyword_of(token).removeprefix(IMAGE_TAG_PREFIX)
        if is_image_tag(token) and images is not None and name not in images:
            text = _("The message has no image “%(name)s”.") % {"name": name}
            raise error_at(source, token, text + _nearest(name, images))


def _nearest(name: str, known: Collection[str]) -> str:
    """Behind an error: what was probably meant."""
    found = get_close_matches(name, sorted(known), n=1)
    return " " + _("Did you mean “%(name)s”?") % {"name": found[0]} if found else ""
