"""From the bytes of a mail to a plain value; never raises.

RFC 6522 (multipart/report) with what stands in it: RFC 3464 (what became of a mail),
RFC 5965 (complaints), RFC 8098 (receipts), and RFC 6533 (all of it in UTF-8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from massmail.inbound import mime
from massmail.inbound.decoding import one_line, plain
from massmail.inbound.mime import Fields, Part

MOST_TEXT = 100_000
MOST_RECIPIENTS = 100
DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")
FEEDBACK = ("message/feedback-report",)
DISPOSITION = (
    "message/disposition-notification",
    "message/global-disposition-notification",
)
NAMING = {
    **dict.fromkeys(DELIVERY_STATUS, ("x-original-message-id",)),
    **dict.fromkeys(DISPOSITION, ("original-message-id",)),
}
ORIGINAL = (
    "message/rfc822",
    "message/global",
    "message/partial",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
    "text/rfc822",
)
RECIPIENT = {"final-recipient", "original-recipient"}
ACTIONS = {
    "fail": "failed",
    "error": "failed",
    "dela": "delayed",
    "deli": "delivered",
    "rela": "relayed",
    "expa": "expanded",
}
BY_CLASS = {"5": "failed", "4": "delayed", "2": "delivered"}
CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
# RFC 3461 §4 and RFC 6533 §3: how an address may be written in a report.
XTEXT = re.compile(r"\+([0-9A-F]{2})")
UTF8_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of the mail for one recipient.

    `final` and `original` are spellings of an address: where the mail went in the end,
    and where it was sent; empty when the report does not say.
    """

    action: str
    status: str = ""
    diagnostic: str = ""
    final: tuple[str, ...] = ()
    original: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as far as a return needs it.

    `feedback` and `disposition` are words of a complaint and of a receipt, `original`
    the header of the mail that is returned; `named` are the Message-IDs by which the
    report itself names it. `problem` says why it could not be read.
    """

    fields: Fields = field(default_factory=lambda: Fields([]))
    text: str = ""
    reports: tuple[RecipientReport, ...] = ()
    feedback: str = ""
    disposition: str = ""
    named: str = ""
    original: Fields = field(default_factory=lambda: Fields([]))
    problem: str = ""


def parse(raw: bytes) -> Mail:
    try:
        return understood(*mime.read(raw))
    except mime.TooMuch as error:
        return Mail(problem=str(error))


def understood(fields: Fields, parts: list[Part]) -> Mail:
    return Mail(
        fields=fields,
        text=text_of(parts),
        reports=tuple(
            report
            for part in parts
            if part.content_type in DELIVERY_STATUS
            for report in reports_of(part.text)
        )[:MOST_RECIPIENTS],
        feedback=first_field(parts, FEEDBACK, "feedback-type"),
        disposition=first_field(parts, DISPOSITION, "disposition"),
        named=" ".join(
            mime.fields_of(part.text).get(name)
            for part in parts
            for name in NAMING.get(part.content_type, ())
        ),
        original=next(
            (mime.fields_of(part.text) for part in parts if is_original(part)),
            Fields([]),
        ),
    )


def is_original(part: Part) -> bool:
    return part.content_type in ORIGINAL


def text_of(parts: list[Part]) -> str:
    """What the mail says itself; HTML only where there is nothing else."""
    for name, reading in (("text/plain", str), ("text/html", plain)):
        found = [part.text for part in parts if part.content_type == name]
        if any(text.strip() for text in found):
            return reading("\n".join(found)[:MOST_TEXT])
    return ""


def first_field(parts: list[Part], types: tuple[str, ...], name: str) -> str:
    """In lower case; the type's own name where the part is there without it."""
    for part in parts:
        if part.content_type in types:
            value = mime.fields_of(part.text).get(name)
            return one_line(value.lower(), 100) or name
    return ""


def reports_of(text: str) -> list[RecipientReport]:
    """Of each recipient's group (RFC 3464 §2.3); the first one is about the mail."""
    groups: list[list[tuple[str, str]]] = []
    for block in re.split(r"\n[ \t]*\n", text[:MOST_TEXT]):
        pairs = mime.fields_of(block).pairs
        names = {name for name, _value in pairs}
        if groups and not RECIPIENT & names:
            # Some put an empty line into a group.
            groups[-1] += pairs
        elif RECIPIENT & names or "action" in names:
            groups.append(pairs)
    return [report_of(Fields(group)) for group in groups[:MOST_RECIPIENTS]]


def report_of(group: Fields) -> RecipientReport:
    status = code_in(group.get("status"))
    action = ACTIONS.get(group.get("action").lower()[:4]) or BY_CLASS.get(status[:1])
    return RecipientReport(
        action=action or "failed",
        status=status,
        diagnostic=one_line(after_type(group.get("diagnostic-code")), 1000),
        final=spellings(group.get("final-recipient")),
        original=spellings(group.get("original-recipient")),
    )


def code_in(text: str) -> str:
    """The first enhanced status code (RFC 3463) in a text; "" for none."""
    found = CODE.search(text)
    return found[0] if found else ""


def after_type(value: str) -> str:
    """`smtp; 550 no such user` without the word that says what it is."""
    return re.sub(r"^[\w-]{1,40}\s*;\s*", "", value)


def spellings(value: str) -> tuple[str, ...]:
    """`rfc822; name@domain`: the address as it stands there and decoded."""
    text = after_type(value).strip().strip("<>").strip()
    if "@" not in text:
        return ()
    decoded_text = UTF8_XTEXT.sub(
        lambda found: letter(found[1]), XTEXT.sub(lambda found: letter(found[1]), text)
    )
    return tuple(dict.fromkeys((text, decoded_text)))


def letter(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else ""
