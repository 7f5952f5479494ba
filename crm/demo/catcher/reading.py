"""A caught mail as its recipient's mail program would show it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

HEAD_TAG = re.compile(r"<head[^>]*>", re.IGNORECASE)
CONTENT_ID_URL = re.compile(r"""cid:([^"'\s)>]+)""", re.IGNORECASE)
# Links open beside the mail; the frame itself stays where it is.
NEW_WINDOW = '<base target="_blank">'


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment or an inline picture, as the page lists it; size in bytes."""

    name: str
    mime_type: str
    size: int


class ReadableMail:
    """A parsed mail; nothing of it is trusted."""

    def __init__(self, raw: bytes) -> None:
        self._message = message_from_bytes(raw, policy=policy.default)

    def headers(self) -> list[tuple[str, str]]:
        """All of them, decoded, in their order."""
        return [(name, str(value)) for name, value in self._message.items()]

    def text(self) -> str:
        body = self._message.get_body(("plain",))
        return text_of(body) if body else ""

    def has_html(self) -> bool:
        return self._message.get_body(("html",)) is not None

    def html(self) -> str:
        """The whole document; pictures of the mail itself are written into it.

        As `data:` addresses: a sandboxed frame has no origin, so it would ask the
        site for them without the reader's login.
        """
        body = self._message.get_body(("html",))
        if body is None:
            return ""
        document = CONTENT_ID_URL.sub(self._as_data, text_of(body))
        head = HEAD_TAG.search(document)
        place = head.end() if head else 0
        return document[:place] + NEW_WINDOW + document[place:]

    def parts(self) -> Iterator[Part]:
        for part in self._message.walk():
            if name := part.get_filename():
                yield Part(name, part.get_content_type(), len(content_of(part)))

    def _as_data(self, match: re.Match[str]) -> str:
        part = self._part(match[1])
        if part is None:
            return match[0]
        content = base64.b64encode(content_of(part)).decode("ascii")
        return f"data:{part.get_content_type()};base64,{content}"

    def _part(self, content_id: str) -> EmailMessage | None:
        for part in self._message.walk():
            if (
                part.get("Content-ID", "").strip().strip("<>") == content_id
                and part.get_content_maintype() == "image"
            ):
                return part
        return None


def text_of(part: MIMEPart) -> str:
    """Decoded; what its own charset cannot read shows as replacement characters."""
    content = content_of(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("latin-1")


def content_of(part: MIMEPart) -> bytes:
    """Nothing of a part that only holds others."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
