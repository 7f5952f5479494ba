"""The MIME structure of a message, everything constant in it encoded once.

multipart/mixed          with attachments
  multipart/alternative  with an HTML part
    text/plain           first, so that the last is the richest (RFC 2046 §5.1.4)
    multipart/related    with pictures
      text/html
      image/…
  attachment
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from massmail.content.images import Attachment, InlineImage
from massmail.content.personalization import WirePart, wire_parts
from massmail.content.program import Program
from massmail.content.values import one_line

_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._()+-]{1,50}")
_PERCENT_CODE = re.compile(r"%[0-9A-F]{2}|.", re.DOTALL)
MAX_PARAMETER_LENGTH = 60
MAX_FILENAME_LENGTH = 200  # characters


@dataclass(frozen=True)
class Entity:
    """A MIME part: its header fields and, after an empty line, its body."""

    headers: bytes
    body: tuple[WirePart, ...]

    @property
    def parts(self) -> tuple[WirePart, ...]:
        return (self.headers + b"\r\n", *self.body)


def message_entity(
    text: Program,
    html: Program,
    images: Sequence[InlineImage],
    attachments: Sequence[Attachment],
) -> Entity:
    """The whole message below its own header fields."""
    content = text_entity(text, "plain")
    if html:
        document = text_entity(html, "html")
        if images:
            pictures = [image_entity(image) for image in images]
            document = multipart("related", [document, *pictures], 'type="text/html"')
        content = multipart("alternative", [content, document])
    if attachments:
        files = [attachment_entity(attachment) for attachment in attachments]
        content = multipart("mixed", [content, *files])
    return content


def text_entity(program: Program, subtype: str) -> Entity:
    """Quoted-printable; it ends with a line break, so with no soft one."""
    last = program[-1] if program else ""
    if not isinstance(last, str) or not last.endswith("\n"):
        program = (*program, "\n")
    headers = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n"
    )
    return Entity(headers.encode("ascii"), wire_parts(program))


def multipart(subtype: str, entities: Sequence[Entity], parameter: str = "") -> Entity:
    """Parts between boundaries that no encoded body can contain.

    `=_` occurs neither in quoted-printable nor in base64 (RFC 2045 §6.7, rule 1).
    """
    boundary = _boundary(subtype, entities)
    parts: list[WirePart] = []
    for entity in entities:
        parts += [f"--{boundary}\r\n".encode("ascii"), *entity.parts, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode("ascii"))
    parameters = "".join(
        f";\r\n {text}" for text in (parameter, f'boundary="{boundary}"') if text
    )
    headers = f"Content-Type: multipart/{subtype}{parameters}\r\n"
    return Entity(headers.encode("ascii"), tuple(parts))


def _boundary(subtype: str, entities: Sequence[Entity]) -> str:
    """The same for the same content, different at every level."""
    digest = hashlib.sha256(subtype.encode())
    for entity in entities:
        for part in entity.parts:
            digest.update(part if isinstance(part, bytes) else b"slot")
    return f"=_{digest.hexdigest()[:32]}"


def image_entity(image: InlineImage) -> Entity:
    return file_entity(
        image.filename,
        image.mime_type,
        image.content,
        disposition="inline",
        content_id=f"Content-ID: <{image.cid}>\r\n",
    )


def attachment_entity(attachment: Attachment) -> Entity:
    return file_entity(
        attachment.filename,
        attachment.mime_type,
        attachment.content,
        disposition="attachment",
    )


def file_entity(
    filename: str,
    mime_type: str,
    content: bytes,
    *,
    disposition: str,
    content_id: str = "",
) -> Entity:
    name = safe_filename(filename)
    headers = (
        f"Content-Type: {safe_type(mime_type)}{parameter('name', name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"{content_id}"
        f"Content-Disposition: {disposition}{parameter('filename', name)}\r\n"
    )
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return Entity(headers.encode("ascii"), (encoded,))


def safe_type(mime_type: str) -> str:
    """Composite types may not be in base64 (RFC 2046 §5.1 and §5.2): they are data."""
    is_composite = mime_type.lower().startswith(("multipart/", "message/"))
    if is_composite or not _TYPE.fullmatch(mime_type):
        return "application/octet-stream"
    return mime_type.lower()


def safe_filename(filename: str) -> str:
    """The name without folders and control characters, its ending kept."""
    name = one_line(filename).replace("\\", "/").rpartition("/")[2].strip(". ")
    if len(name) > MAX_FILENAME_LENGTH:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: MAX_FILENAME_LENGTH - len(ending)] + ending
    return name or "attachment"


def parameter(name: str, value: str) -> str:
    """A parameter on lines of its own, encoded and continued as RFC 2231 says."""
    if _PLAIN_NAME.fullmatch(value):
        return f';\r\n {name}="{value}"'
    sections = _sections(f"utf-8''{quote(value, safe='')}")
    if len(sections) == 1:
        return f";\r\n {name}*={sections[0]}"
    return "".join(
        f";\r\n {name}*{number}*={section}" for number, section in enumerate(sections)
    )


def _sections(encoded: str) -> list[str]:
    sections = [""]
    for code in _PERCENT_CODE.findall(encoded):
        if len(sections[-1]) + len(code) > MAX_PARAMETER_LENGTH:
            sections.append("")
        sections[-1] += code
    return sections
