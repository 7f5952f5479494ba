"""Tags and texts of a template as the lexer finds them, and their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.template.base import Token, TokenType

from massmail.content.nodes import IMAGE_TAG_PREFIX
from massmail.exceptions import MessageTemplateError

_IMAGE_TAG = re.compile(rf"{IMAGE_TAG_PREFIX}[a-z0-9_]{{1,64}}")


def is_block(token: Token) -> bool:
    return token.token_type == TokenType.BLOCK


def is_tag(token: Token) -> bool:
    """Anything in braces, comments too."""
    return token.token_type != TokenType.TEXT


def is_image_tag(token: Token) -> bool:
    return is_block(token) and bool(_IMAGE_TAG.fullmatch(keyword_of(token)))


def keyword_of(token: Token) -> str:
    words = token.contents.split(maxsplit=1)
    return words[0] if words else ""


def error_at(source: str, token: Token | None, message: str) -> MessageTemplateError:
    """The error with the place of a token."""
    if token is None or token.position is None:
        return MessageTemplateError(message)
    place = token.position[0]
    line_start = source.rfind("\n", 0, place) + 1
    return MessageTemplateError(
        message,
        line=source.count("\n", 0, place) + 1,
        column=place - line_start + 1,
    )


def as_written(token: Token) -> str:
    """The tag in its braces; text as it is."""
    match token.token_type:
        case TokenType.VAR:
            return f"{{{{ {token.contents} }}}}"
        case TokenType.BLOCK:
            return f"{{% {token.contents} %}}"
        case TokenType.TEXT:
            return token.contents
    return ""


def constant(content: object) -> Token:
    """A token whose content the parser passes on as it is."""
    return Token(TokenType.TEXT, cast(str, content))


@contextmanager
def field_of_errors(name: str) -> Iterator[None]:
    """Tell which part of a message an error is in, unless it is known."""
    try:
        yield
    except MessageTemplateError as error:
        error.field = error.field or name
        raise
