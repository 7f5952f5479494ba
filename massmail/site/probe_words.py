"""The steps of a connection in the words of people who know no SMTP."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from massmail.backends.phases import Phase

PHASES: dict[Phase, Promise] = {
    Phase.CONNECT: _("Reach the server"),
    Phase.BANNER: _("Be greeted"),
    Phase.EHLO: _("Ask what it offers"),
    Phase.STARTTLS: _("Ask for encryption (STARTTLS)"),
    Phase.TLS: _("Encrypt and check the certificate (TLS)"),
    Phase.AUTH: _("Log in"),
    Phase.MAIL: _("Name the account's address as sender"),
    Phase.RCPT: _("Name it as recipient, too"),
    Phase.RSET: _("Take both back, nothing is sent"),
}

# What `Step.state` looks like and says.
STATES: dict[str, tuple[str, Promise]] = {
    "done": ("✓", _("done")),
    "failed": ("✗", _("failed")),
    "open": ("–", _("not reached")),
    "untested": ("·", _("not tested yet")),
}


def phase_words(phase: Phase) -> str:
    return str(PHASES.get(phase, phase.value))
