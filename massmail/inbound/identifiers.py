"""What in a mail may name one of ours: the identifiers that only its readers know.

Pure; the best candidates come first. An address is none: anybody can write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from massmail.inbound.kinds import ReturnKind
from massmail.inbound.mime import MOST_VALUE
from massmail.inbound.parser import Mail

MOST_CANDIDATES = 50
# Folded, or with spaces put in where a program broke its line.
MESSAGE_ID = re.compile(r"<([^<>@]{1,250}@[^<>@]{1,250})>")
BARE_ID = re.compile(r"[^\s<>@,;]{1,250}@[^\s<>@,;]{1,250}")
SPACES = re.compile(r"\s+")
# A header that is quoted in the text of a report.
QUOTED_ID = re.compile(
    r"^[ \t>|]{0,20}message-id:\s{0,9}(<[^<>]{3,600}>|[^\s<>]{1,250}@[^\s<>]{1,250})",
    re.IGNORECASE | re.MULTILINE,
)
QUOTED_LIST = re.compile(
    r"^[ \t>|]{0,20}list-unsubscribe:\s{0,9}<?([^>\s]{1,900})",
    re.IGNORECASE | re.MULTILINE,
)
TOKEN = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{54}(?![\w-])")
# Of a person's answer only what its program wrote: a mail that is attached to it, or
# quoted in it, may have been anybody's.
OF_PEOPLE = (ReturnKind.REPLY,)


def candidates(mail: Mail, kind: ReturnKind) -> list[str]:
    """Message-IDs, each also in lower case: some programs change that."""
    found = names_in(mail, kind)
    spelt = [spelling for name in found for spelling in (name, name.lower())]
    return list(dict.fromkeys(spelt))[:MOST_CANDIDATES]


def names_in(mail: Mail, kind: ReturnKind) -> list[str]:
    """A report is about the mail that it returns, else about the one that it answers,
    and about none of that mail's thread: a person's own mail may have come back."""
    if kind in OF_PEOPLE:
        return answered_ids(mail)
    if kind == ReturnKind.AUTO_REPLY:
        return answered_ids(mail) + returned_ids(mail)
    return returned_ids(mail) or answered_ids(mail)[:1]


def returned_ids(mail: Mail) -> list[str]:
    """Of the mail that is returned, or of its header in the report's text."""
    own = message_ids(mail.original.raw("message-id")) + message_ids(mail.named)
    quoted = (match[1] for match in QUOTED_ID.finditer(mail.text))
    return [*own, *(name for text in quoted for name in message_ids(text))]


def answered_ids(mail: Mail) -> list[str]:
    """What the mail answers; of its thread the latest first."""
    thread = message_ids(mail.fields.raw("references"))
    return [*message_ids(mail.fields.raw("in-reply-to")), *reversed(thread)]


def own_id(mail: Mail) -> str:
    """Of this very mail; "" for none."""
    return next(iter(message_ids(mail.fields.raw("message-id"))), "")


def message_ids(value: str) -> list[str]:
    """With brackets and without the spaces that were put into them."""
    text = value[-MOST_VALUE:]
    found = MESSAGE_ID.findall(text) or BARE_ID.findall(text)
    names = [f"<{SPACES.sub('', name)}>" for name in found[-MOST_CANDIDATES:]]
    # Those of ours are; a database would take no others.
    return [name for name in names if name.isascii() and name.isprintable()]


def returned_tokens(mail: Mail) -> list[str]:
    """Of the List-Unsubscribe header of the mail that is returned."""
    values: Iterable[str] = (
        *mail.original.all("list-unsubscribe"),
        *(match[1] for match in QUOTED_LIST.finditer(mail.text)),
    )
    # A long address may have been folded.
    found = [
        name
        for value in values
        for name in TOKEN.findall(SPACES.sub("", value[:MOST_VALUE]))
    ]
    return found[:MOST_CANDIDATES]


def senders(mail: Mail) -> list[str]:
    """The addresses in From, whoever may have written them."""
    return BARE_ID.findall(mail.fields.get("from"))[:MOST_CANDIDATES]
