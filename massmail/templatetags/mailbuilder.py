"""The only tags and filters that exist in the text of a message.

`content.template_engine` loads this library and nothing else, so a message can
load, include or call nothing. Tags of images, `{% cid_NAME %}`, are added for each
message by the parser, which calls `image_tag`.
"""

from __future__ import annotations

from django.template import Library, TemplateSyntaxError
from django.template.base import Parser, Token
from django.utils.translation import gettext as _

from massmail.content.conditions import Condition, parse_condition
from massmail.content.filters import FILTERS
from massmail.content.nodes import (
    IMAGE_TAG_PREFIX,
    BranchSource,
    ChoiceNode,
    ImageNode,
    SignatureNode,
)

register = Library()

for _name, _filter in FILTERS.items():
    register.filter(_name, _filter.function)


@register.tag("if")
def if_tag(parser: Parser, token: Token) -> ChoiceNode:
    """`{% if %} … {% elif %} … {% else %} … {% endif %}`."""
    branches = []
    while token.split_contents()[0] != "endif":
        condition = _condition(parser, token)
        ends = ("endif",) if condition is None else ("elif", "else", "endif")
        branches.append(BranchSource(condition, parser.parse(ends), token))
        token = parser.next_token()
    _no_arguments(parser, token)
    return ChoiceNode(branches)


def _condition(parser: Parser, token: Token) -> Condition | None:
    """None for `else`; an error is put down to this tag, not to the first `if`."""
    keyword, *words = token.split_contents()
    if keyword == "else":
        _no_arguments(parser, token)
        return None
    try:
        return parse_condition(words)
    except TemplateSyntaxError as error:
        raise parser.error(token, error) from error


@register.tag("signature")
def signature_tag(parser: Parser, token: Token) -> SignatureNode:
    _no_arguments(parser, token)
    return SignatureNode()


def image_tag(parser: Parser, token: Token) -> ImageNode:
    """`{% cid_NAME %}`; it names an image of the message, never a file."""
    _no_arguments(parser, token)
    return ImageNode(token.contents.removeprefix(IMAGE_TAG_PREFIX))


def _no_arguments(parser: Parser, token: Token) -> None:
    keyword, *words = token.contents.split()
    if words:
        text = _("Nothing may follow “%(name)s” in the tag.") % {"name": keyword}
        raise parser.error(token, text)
