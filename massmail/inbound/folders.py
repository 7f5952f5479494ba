"""Which folders of a mailbox are worth a look: by RFC 6154, else by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imapclient.imap_utf7 import decode

from massmail.models.mailbox_folder import Role

_SPECIAL_USES = {rb"\junk": Role.JUNK, rb"\spam": Role.JUNK, rb"\sent": Role.SENT}
_UNUSABLE = frozenset({rb"\noselect", rb"\nonexistent"})
# Of servers that name no special use; the last part of the name, in lower case.
_NAMES = {
    Role.JUNK: frozenset(
        {
            *("junk", "spam", "junk e-mail", "junk email", "bulk mail", "bulk"),
            *("spamverdacht", "spam-verdacht", "junk-e-mail", "correo no deseado"),
            *("courrier indésirable", "indésirables", "pourriel"),
            *("спам", "нежелательная почта", "небажана пошта"),
        }
    ),
    Role.SENT: frozenset(
        {
            *("sent", "sent items", "sent messages", "sent mail", "sent-mail"),
            *("gesendet", "gesendete objekte", "gesendete elemente"),
            *("envoyés", "éléments envoyés", "messages envoyés"),
            *("enviados", "elementos enviados", "mensajes enviados"),
            *("отправленные", "надіслані", "відправлені"),
        }
    ),
}
INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Folder:
    """`name` as the server spells it (modified UTF-7, RFC 3501 §5.1.3)."""

    name: str
    role: Role


def shown_name(name: str) -> str:
    """The folder's name for people; one that cannot be read is shown as it is."""
    try:
        return decode(name.encode("ascii"))
    except ValueError:
        return name


def known_folders(
    listed: Iterable[tuple[Sequence[bytes], bytes | None, object]],
) -> list[Folder]:
    """INBOX, then the folder of junk, then that of sent mail, where there are such."""
    found = {Role.INBOX: Folder(INBOX, Role.INBOX)}
    by_name: dict[Role, Folder] = {}
    for flags, delimiter, raw in listed:
        name = text_of(raw)
        uses = {flag.lower() for flag in flags}
        if name.upper() == INBOX or uses & _UNUSABLE:
            continue
        for use in sorted(uses & _SPECIAL_USES.keys()):
            role = _SPECIAL_USES[use]
            found.setdefault(role, Folder(name, role))
        if role_by_name := named_role(name, text_of(delimiter)):
            by_name.setdefault(role_by_name, Folder(name, role_by_name))
    chosen = by_name | found
    return [chosen[role] for role in Role if role in chosen]


def named_role(name: str, delimiter: str) -> Role | None:
    shown = shown_name(name)
    last = shown.rsplit(delimiter, 1)[-1] if delimiter else shown
    roles = (role for role, names in _NAMES.items() if last.lower() in names)
    return next(roles, None)


def text_of(raw: object) -> str:
    """imapclient takes a name of digits for a number, and NIL for None."""
    if isinstance(raw, bytes):
        return raw.decode("ascii", "replace")
    return "" if raw is None else str(raw)
