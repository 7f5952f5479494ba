"""Small messages, and what a reader's program makes of them."""

from __future__ import annotations

import email
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import default

from massmail.content.compiler import CompiledMessage, MessageSource, compile_message
from massmail.content.headers import Envelope, Sender
from massmail.content.images import InlineImage

SENDER = Sender("Sales Team", "sales@example.com")
ENVELOPE = Envelope(
    to_name="Ann Smith",
    to_address="ann@example.org",
    message_id="<a1b2c3@example.com>",
    date=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    unsubscribe_url="https://news.example.com/u/abc123",
    list_id="m1.news.example.com",
    feedback_id="m1:news:example",
)
VALUES = {
    "first_name": "Ann",
    "company": "Acme",
    "website": "https://acme.example.org/",
    "postal_address": "1 Main Street",
    "unsubscribe_url": ENVELOPE.unsubscribe_url,
    "today": date(2024, 5, 6),
}
LOGO = InlineImage("logo", "logo.png", "image/png", b"\x89PNG-not-really")


def compiled(content: str = "", *, sender: Sender = SENDER, **parts) -> CompiledMessage:
    source = {"subject": "News", **parts, "content": content}
    return compile_message(MessageSource(**source), sender=sender, variables=None)


def body_html(content: str, values: dict | None = None, **parts) -> str:
    """What the document has between `<body>` and `</body>`."""
    document = compiled(content, **parts).render_html({**VALUES, **(values or {})})
    return document.partition("<body>")[2].removesuffix("</body></html>\n")


def text_of(content: str, values: dict | None = None) -> str:
    """The text part made from the HTML."""
    return compiled(content).render_text({**VALUES, **(values or {})})


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert all(not part.defects for part in message.walk())
    return message


def part_text(message: EmailMessage, subtype: str) -> str:
    """The decoded text of the first part of this type, lines ended by LF."""
    for part in message.walk():
        if part.get_content_type() == f"text/{subtype}":
            return part.get_content().replace("\r\n", "\n")
    raise LookupError(subtype)
