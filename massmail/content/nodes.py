"""What the tags of `mailbuilder` parse to."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.base import Node, NodeList, Token

from massmail.content.conditions import Condition

IMAGE_TAG_PREFIX = "cid_"


@dataclass(frozen=True, eq=False)
class BranchSource:
    """One `if`, `elif` or `else` (condition None) with its tag and what follows."""

    condition: Condition | None
    nodes: NodeList
    tag: Token


class ChoiceNode(Node):
    """`{% if %}` up to `{% endif %}`."""

    def __init__(self, branches: list[BranchSource]) -> None:
        self.branches = branches


class ImageNode(Node):
    """`{% cid_logo %}`: the `cid:` address of the message's image "logo"."""

    def __init__(self, name: str) -> None:
        self.name = name


class SignatureNode(Node):
    """`{% signature %}`: where the signature goes, when not at the end."""
