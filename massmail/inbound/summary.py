"""From a few header fields of a mail: may it be about a mail of ours?

A mailbox is a person's. Nothing but these fields is read of a mail that is not ours,
and nothing of it is kept or logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from massmail.inbound.automatic import MARKS, SUBJECTS, VALUES, is_of_a_server
from massmail.inbound.identifiers import message_ids
from massmail.inbound.mime import Fields, head_of, type_of

# A machine's answer, or a report, by the mere presence of one of these.
_SIGNS = (*MARKS, "x-failed-recipients", "x-hmxmroriginalrecipient", "feedback-type")
# What else is asked of a server for each mail.
_OTHERS = (
    *("from", "sender", "subject", "content-type", "auto-submitted"),
    *("message-id", "in-reply-to", "references"),
)
FIELDS = tuple(
    sorted({*_SIGNS, *_OTHERS, *(name for name, _pattern in VALUES)}, key=str)
)
HEADER_BYTES = 32_768
MAX_IDS = 60
_REPORTS = frozenset(
    {"message/delivery-status", "message/feedback-report", "multipart/report"}
)
# Who passes on complaints, besides the servers that send mail back.
_REPORTERS = re.compile(r"\b(abuse|bounces?|fbl|feedback-?loop)\b[^@]*@", re.IGNORECASE)
# Those of newsletters are on half of a mailbox's mail.
_OF_MACHINES = {"precedence": r"auto[_-]?reply"}


@dataclass(frozen=True)
class Summary:
    """One mail of a folder: its number, its size, the fields that were asked for."""

    uid: int
    size: int
    header: bytes

    @cached_property
    def fields(self) -> Fields:
        return head_of(self.header.replace(b"\r\n", b"\n"))[0]

    @property
    def is_automatic(self) -> bool:
        """A machine speaks: a report, a bounce, an answering machine."""
        fields = self.fields
        return (
            type_of(fields.get("content-type")) in _REPORTS
            or is_of_a_server(fields)
            or any(_REPORTERS.search(fields.get(name)) for name in ("from", "sender"))
            or fields.get("auto-submitted").lower()[:2] not in ("", "no")
            or any(name in fields for name in _SIGNS)
            or any(
                re.match(_OF_MACHINES.get(name, pattern), fields.get(name), re.I)
                for name, pattern in VALUES
            )
            or SUBJECTS.match(self.subject) is not None
        )

    @property
    def names(self) -> frozenset[str]:
        """The Message-IDs that it answers, the nearest of a long thread; and its own,
        for a mail of ours that came to a mailbox of ours."""
        found = [
            name
            for field in ("references", "in-reply-to", "message-id")
            for name in message_ids(self.fields.raw(field))
        ]
        spelt = [spelling for name in found for spelling in (name, name.lower())]
        return frozenset(spelt[-2 * MAX_IDS :])

    @property
    def subject(self) -> str:
        return self.fields.get("subject")
