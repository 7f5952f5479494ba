"""Header fields on the wire: RFC 5322, encoded words of RFC 2047, mailing lists.

Fields that are the same in every copy are encoded once; the others, which depend on
the recipient, are short and made without Python's e-mail package.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import idna

from massmail.content.encoded_words import (
    MAX_LINE_LENGTH,
    encoded_words,
    is_printable_ascii,
    unstructured,
)
from massmail.content.values import one_line
from massmail.exceptions import RenderError

MAX_SUBJECT_LENGTH = 1_000  # characters
MAX_VALUE_LENGTH = 900  # what cannot be folded; a line may have 998 bytes
MAX_ADDRESS_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the brackets
MAX_LOCAL_PART_LENGTH = 64

Matcher = Callable[[str], object]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOT_ATOM = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ASCII_ADDRESS = re.compile(rf"({_DOT_ATOM})@({_LABEL}(?:\.{_LABEL})*)").fullmatch
_LOCAL_PART = re.compile(rf'{_DOT_ATOM}|"(?:[ !#-\[\]-~]|\\[ -~])*"').fullmatch
_PHRASE = re.compile(rf"{_ATEXT}+(?: {_ATEXT}+)*").fullmatch
_MESSAGE_ID = re.compile(rf"<{_DOT_ATOM}@(?:{_DOT_ATOM}|\[[!-Z^-~]*\])>").fullmatch
_PUBLIC_URL = re.compile(r"https?://[!#-;=?-~]{1,900}").fullmatch
_LIST_ID = re.compile(_DOT_ATOM).fullmatch
_FEEDBACK_ID = re.compile(r"[!-9;-~]*(?::[!-9;-~]*){0,3}").fullmatch


@dataclass(frozen=True)
class Sender:
    """Who the message is from: the same in every copy of one account."""

    name: str
    email: str
    reply_to: str = ""


class Envelope(NamedTuple):
    """What belongs to one recipient's copy apart from its text.

    `message_id` with its angle brackets, `date` aware, `list_id` and `feedback_id`
    as they stand in their fields (without brackets); empty ones are left out.
    """

    to_name: str
    to_address: str
    message_id: str
    date: datetime
    unsubscribe_url: str = ""
    list_id: str = ""
    feedback_id: str = ""


def sender_fields(sender: Sender) -> bytes:
    """From and Reply-To; raises `RenderError` for a broken address."""
    fields = mailbox_field("From", sender.name, sender.email)
    if sender.reply_to:
        fields += mailbox_field("Reply-To", "", sender.reply_to)
    return fields


# Of the automatic answers only those for people are suppressed: reports of
# non-delivery are wanted ([MS-OXCMAIL] 2.1.3.2.20). No Auto-Submitted: it would be
# wrong for what a person has written and sent (RFC 3834 §5.1).
BULK_FIELDS = b"Precedence: bulk\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"


def envelope_fields(envelope: Envelope) -> bytes:
    """Everything that differs in every copy but the subject."""
    fields = [
        mailbox_field("To", envelope.to_name, envelope.to_address),
        f"Date: {rfc5322_date(envelope.date)}\r\n".encode("ascii"),
        _field("Message-ID", envelope.message_id, _MESSAGE_ID),
    ]
    if envelope.unsubscribe_url:
        # RFC 8058 §3.1; one address, behind the name without folding, since some
        # mailbox providers read no further than the first line.
        _check("List-Unsubscribe", envelope.unsubscribe_url, _PUBLIC_URL)
        fields.append(
            f"List-Unsubscribe: <{envelope.unsubscribe_url}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")
        )
    if envelope.list_id:
        _check("List-Id", envelope.list_id, _LIST_ID)
        fields.append(f"List-Id: <{envelope.list_id}>\r\n".encode("ascii"))
    if envelope.feedback_id:
        fields.append(_field("Feedback-ID", envelope.feedback_id, _FEEDBACK_ID))
    return b"".join(fields)


def _field(name: str, value: str, matches: Matcher) -> bytes:
    _check(name, value, matches)
    return f"{name}: {value}\r\n".encode("ascii")


def _check(name: str, value: str, matches: Matcher) -> None:
    if len(value) > MAX_VALUE_LENGTH or not matches(value):
        raise RenderError(f"{value[:100]!r} cannot stand in {name}.")


# All copies of a claim have the same.
@lru_cache(maxsize=16)
def rfc5322_date(date: datetime) -> str:
    """Raises `RenderError` for a date without time zone."""
    offset = date.utcoffset()
    if offset is None:
        raise RenderError("The date of a message needs a time zone.")
    minutes = int(offset.total_seconds() // 60)
    sign, (hours, minutes) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    return (
        f"{_DAYS[date.weekday()]}, {date.day:02} {_MONTHS[date.month - 1]}"
        f" {date.year:04} {date.hour:02}:{date.minute:02}:{date.second:02}"
        f" {sign}{hours:02}{minutes:02}"
    )


def wire_address(address: str) -> str:
    """The address in ASCII, its domain as A-label; raises `RenderError`.

    A local part outside ASCII would need SMTPUTF8 on the whole way (RFC 6531).
    """
    local, _at, domain = address.rpartition("@")
    if not _ASCII_ADDRESS(address):
        if not _LOCAL_PART(local):
            raise _no_address(address)
        address = f"{local}@{ascii_domain(domain)}"
    if len(local) > MAX_LOCAL_PART_LENGTH or len(address) > MAX_ADDRESS_LENGTH:
        raise _no_address(address)
    return address


def _no_address(text: str) -> RenderError:
    return RenderError(f"{text[:100]!r} is no address that mail can be sent to.")


@lru_cache(maxsize=10_000)
def ascii_domain(domain: str) -> str:
    """UTS 46 non-transitional: faß.de stays faß.de and does not become fass.de."""
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True, transitional=False)
    except (idna.IDNAError, UnicodeError) as error:
        raise RenderError(f"{domain[:100]!r} is no domain.") from error
    return encoded.decode("ascii")


def mailbox_field(field: str, name: str, address: str) -> bytes:
    """`Field: name <address>`; the name quoted or encoded as it needs."""
    address = wire_address(address)
    name = one_line(name).strip()
    if not name:
        return f"{field}: {address}\r\n".encode("ascii")
    phrase = _phrase(name, len(field) + 2)
    last_line = phrase[phrase.rfind("\n") + 1 :]
    used = len(last_line) + (0 if "\n" in phrase else len(field) + 2)
    separator = " " if used + len(address) + 3 <= MAX_LINE_LENGTH else "\r\n "
    return f"{field}: {phrase}{separator}<{address}>\r\n".encode("ascii")


def _phrase(name: str, used: int) -> str:
    """RFC 5322 §3.2.5, or encoded words when it is long or not ASCII.

    A long name is encoded because a quoted string can be folded at spaces only.
    """
    room = MAX_LINE_LENGTH - used
    if "=?" not in name:
        if len(name) <= room and _PHRASE(name):
            return name
        quoted = '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
        if len(quoted) <= room and is_printable_ascii(name):
            return quoted
    return encoded_words(name, used)


def subject_field(subject: str) -> bytes:
    """Raises `RenderError` for a subject of more than 1,000 characters."""
    if len(subject) > MAX_SUBJECT_LENGTH:
        raise RenderError("The subject is longer than 1,000 characters.")
    return f"Subject: {unstructured(subject, len('Subject: '))}\r\n".encode("ascii")
