"""What is looked at before a mailing is launched."""

from __future__ import annotations

import html
from collections.abc import Callable
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from massmail.content.body_checks import body_findings
from massmail.content.compiler import CompiledMessage
from massmail.content.findings import Finding, blocking, warning
from massmail.content.program import Address, Choice, Piece, Program, Slot
from massmail.content.reading import reading_of, sight_of

NO_UNSUBSCRIBE_LINK = blocking(
    "no_unsubscribe_link",
    _("The HTML has no link to {{ unsubscribe_url }} that every recipient sees."),
    overridable=False,
)
NO_UNSUBSCRIBE_URL_IN_TEXT = blocking(
    "no_unsubscribe_url_in_text",
    _("The text part does not show {{ unsubscribe_url }} to every recipient."),
    overridable=False,
)
NO_POSTAL_ADDRESS_SET = blocking(
    "no_postal_address_set", _("The settings hold no postal address.")
)
NO_POSTAL_ADDRESS = blocking(
    "no_postal_address",
    _("The message does not show {{ postal_address }} to every recipient."),
)
NO_PUBLIC_URL = blocking(
    "no_public_url", _("The settings hold no public address for unsubscribe pages.")
)
PUBLIC_URL_NOT_HTTPS = blocking(
    "public_url_not_https", _("The public address does not begin with https.")
)
EMPTY_SUBJECT = blocking("empty_subject", _("The subject is empty."))
EMPTY_BODY = blocking("empty_body", _("The message is empty."))
NO_TEXT_PART = warning("no_text_part", _("There is no text for readers without HTML."))


def preflight(
    compiled: CompiledMessage,
    *,
    postal_address: str,
    public_base_url: str,
    require_https: bool,
    max_message_bytes: int | None = None,
) -> list[Finding]:
    """Findings in the order in which they are shown; empty when all is well.

    `max_message_bytes` is what the account's server takes, where that is known.
    """
    return [
        *_content_findings(compiled),
        *_unsubscribe_findings(compiled),
        *_postal_address_findings(compiled, postal_address),
        *_public_url_findings(public_base_url, require_https=require_https),
        *body_findings(compiled, max_message_bytes=max_message_bytes),
    ]


def _content_findings(compiled: CompiledMessage) -> list[Finding]:
    findings = []
    if not _says_something(compiled.subject):
        findings.append(EMPTY_SUBJECT)
    if not compiled.html and not _says_something(compiled.text):
        findings.append(EMPTY_BODY)
    elif not _says_something(compiled.text):
        findings.append(NO_TEXT_PART)
    return findings


def _unsubscribe_findings(compiled: CompiledMessage) -> list[Finding]:
    findings = []
    if compiled.html:
        seen = sight_of(compiled.html, _is_unsubscribe_link).links
        if not always_holds(compiled.html, lambda piece: id(piece) in seen):
            findings.append(NO_UNSUBSCRIBE_LINK)
    if not always_holds(compiled.text, _shows_unsubscribe_url):
        findings.append(NO_UNSUBSCRIBE_URL_IN_TEXT)
    return findings


def _postal_address_findings(
    compiled: CompiledMessage, postal_address: str
) -> list[Finding]:
    if not postal_address.strip():
        return [NO_POSTAL_ADDRESS_SET]
    lines = [line.strip() for line in postal_address.splitlines() if line.strip()]
    shown = all(
        (
            not compiled.html or _is_shown_in_html(compiled.html, lines),
            not compiled.text or _is_shown_in_text(compiled.text, lines),
        )
    )
    return [] if shown else [NO_POSTAL_ADDRESS]


def _is_shown_in_html(document: Program, lines: list[str]) -> bool:
    """By its variable or written out, and not among what is hidden."""
    seen = sight_of(document, _is_postal_address).texts
    readable = reading_of(document).text
    if not all(line in readable for line in lines):
        return always_holds(document, lambda piece: id(piece) in seen)
    return always_holds(
        document, lambda piece: id(piece) in seen or _is_written_out(piece, lines)
    )


def _is_shown_in_text(text: Program, lines: list[str]) -> bool:
    return always_holds(
        text, lambda piece: _is_postal_address(piece) or _is_written_out(piece, lines)
    )


def _is_written_out(piece: Piece, lines: list[str]) -> bool:
    written = html.unescape(piece) if isinstance(piece, str) else ""
    return all(line in written for line in lines)


def _is_postal_address(piece: Piece) -> bool:
    return _is_slot(piece, "postal_address")


def _public_url_findings(url: str, *, require_https: bool) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [NO_PUBLIC_URL]
    if require_https and parts.scheme != "https":
        return [PUBLIC_URL_NOT_HTTPS]
    return []


def always_holds(program: Program, test: Callable[[Piece], bool]) -> bool:
    """Whether a piece that passes is there for every recipient."""
    return any(
        _in_every_branch(piece, test) if isinstance(piece, Choice) else test(piece)
        for piece in program
    )


def _in_every_branch(choice: Choice, test: Callable[[Piece], bool]) -> bool:
    return choice.always_shows_one and all(
        always_holds(branch.program, test) for branch in choice.branches
    )


def _says_something(program: Program) -> bool:
    return any(not isinstance(piece, str) or piece.strip() for piece in program)


def _is_slot(piece: Piece, name: str) -> bool:
    return isinstance(piece, Slot) and piece.expression.prints_only(name)


def _is_unsubscribe_link(piece: Piece) -> bool:
    return (
        isinstance(piece, Address)
        and len(piece.program) == 1
        and _is_slot(piece.program[0], "unsubscribe_url")
    )


def _shows_unsubscribe_url(piece: Piece) -> bool:
    return _is_slot(piece, "unsubscribe_url") or _is_unsubscribe_link(piece)
