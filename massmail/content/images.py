"""Pictures inside a message and files that go with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property

_NAME = re.compile(r"[a-z0-9_]{1,64}")

# What mail clients show. SVG is no picture but a document with scripts.
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True)
class InlineImage:
    """A picture that the HTML shows with `{% cid_<name> %}` as its address.

    Raises `ValueError` for a name that is no tag or a type that is no picture.
    """

    name: str
    filename: str
    mime_type: str
    content: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of an image tag.")
        if self.mime_type not in IMAGE_TYPES:
            raise ValueError(f"{self.mime_type!r} is no type of an inline image.")

    @cached_property
    def cid(self) -> str:
        """Content-ID without brackets (RFC 2392): the same bytes, the same id."""
        digest = hashlib.sha256(self.content).hexdigest()
        return f"{digest[:32]}@{digest[32:40]}.invalid"


@dataclass(frozen=True)
class Attachment:
    """A file that every copy of the message carries."""

    filename: str
    mime_type: str
    content: bytes
