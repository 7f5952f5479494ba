"""Every error of massmail, by what the caller can do about it."""

from __future__ import annotations


class MassmailError(Exception):
    """Root of all errors that massmail raises on purpose."""


class MessageTemplateError(MassmailError):
    """A message's text cannot be compiled; says where, counted from 1.

    `field` is the part of the message ("subject", "content" …) when it is known.
    """

    field = ""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class RenderError(MassmailError):
    """One recipient's copy of a message cannot be made; the others can."""


class NotAllowed(MassmailError):
    """The person may not do this with this object."""


class WrongState(MassmailError):
    """The mailing is not in a state in which this can be done."""


class LaunchRefused(MassmailError):
    """Preflight found something that must be mended before a launch."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__(" ".join(findings))
        self.findings = findings


class TrialRefused(MassmailError):
    """A test mail cannot be sent; each reason is a sentence for the person."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class HandoverUnconfirmed(MassmailError):
    """The ledger did not take a transition: another worker holds the row."""


class ProviderError(MassmailError):
    """A mailbox's provider did not give access; `code` and `words` are its own."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(f"{code}: {words}" if words else code)
        self.code = code
        self.words = words


class ProviderUnavailable(ProviderError):
    """It passes: try again later."""


class ConsentLost(ProviderError):
    """The person has to connect the mailbox anew."""


class ProviderRefused(ProviderError):
    """Neither of both: mostly this site's registration with the provider."""


class ConnectRefused(MassmailError):
    """A mailbox is not connected; the text says why, for the person who tried."""
