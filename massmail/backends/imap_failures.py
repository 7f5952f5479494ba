"""Why a mailbox cannot be read: all that a server or a line does, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from imaplib import IMAP4

from massmail.backends.causes import Cause, detail_of
from massmail.backends.phases import SmtpFailure, printable
from massmail.exceptions import MassmailError


class ImapReason(StrEnum):
    """What a server's answer means; a failure without an answer has a `Cause`."""

    APP_PASSWORD_NEEDED = "app_password_needed"  # noqa: S105 - a name, no secret
    BROWSER_LOGIN_NEEDED = "browser_login_needed"
    FOLDER_REFUSED = "folder_refused"
    IMAP_DISABLED = "imap_disabled"
    LOGIN_REFUSED = "login_refused"
    LOGIN_UNAVAILABLE = "login_unavailable"
    PASSWORD_LOGIN_DISABLED = "password_login_disabled"  # noqa: S105 - a name
    SERVER_REFUSED = "server_refused"
    SESSION_ENDED = "session_ended"


class ImapFailure(MassmailError):
    """A step did not succeed: a `Cause` or `ImapReason`, and the server's own words."""

    def __init__(self, reason: str, words: object = "") -> None:
        self.reason = str(reason)
        self.words = printable(str(words))
        super().__init__(f"{self.reason}: {self.words}" if self.words else self.reason)

    @classmethod
    def of_detail(cls, detail: str) -> ImapFailure:
        """From a detail that begins with a `Cause`."""
        cause = Cause.of(detail)
        words = detail.removeprefix(str(cause)).lstrip(": ") if cause else detail
        return cls(cause or Cause.CONNECTION_LOST, words)


# What imaplib and imapclient stumble over in an answer that is none.
NONSENSE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
# Read in this order; RFC 5530 names the codes, providers have words of their own.
_LOGIN_ANSWERS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (
            r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many|rate limit"
            r"|try again|temporar",
            ImapReason.LOGIN_UNAVAILABLE,
        ),
        (r"application.?specific|app.?password", ImapReason.APP_PASSWORD_NEEDED),
        (r"web.?(browser|login)", ImapReason.BROWSER_LOGIN_NEEDED),
        (r"basic.?auth", ImapReason.PASSWORD_LOGIN_DISABLED),
        (
            r"imap\b.{0,40}\b(disabled|not enabled|switched off|not allowed)"
            r"|not enabled for imap|(disabled|enable) imap",
            ImapReason.IMAP_DISABLED,
        ),
    )
)
_SAID = re.compile(r"^(?:command: )?\w+ (?:failed: |=> |command error: (?:BAD|NO) )")


def words_of(error: BaseException) -> str:
    """What the server said, without what the libraries put before it."""
    words = error.args[0] if error.args else ""
    if isinstance(words, bytes):
        words = words.decode("utf-8", "replace")
    text = _SAID.sub("", str(words))
    quoted = re.fullmatch(r"\[?b(['\"])(.*)\1\]?", text)
    return quoted[2] if quoted else text


def refused_login(words: str) -> ImapFailure:
    found = (reason for pattern, reason in _LOGIN_ANSWERS if pattern.search(words))
    return ImapFailure(next(found, ImapReason.LOGIN_REFUSED), words)


@contextmanager
def translated(refusal: ImapReason = ImapReason.SERVER_REFUSED) -> Iterator[None]:
    """A step: whatever goes wrong in it raises `ImapFailure`, a NO with `refusal`."""
    try:
        yield
    except SmtpFailure as failure:
        raise ImapFailure.of_detail(failure.detail) from failure
    except IMAP4.abort as error:
        raise _broken_off(error) from error
    except IMAP4.error as error:
        raise ImapFailure(refusal, words_of(error)) from error
    except OSError as error:
        raise ImapFailure.of_detail(detail_of(error)) from error
    except NONSENSE as error:
        # Its text may hold what a mail says.
        raise ImapFailure(Cause.PROTOCOL_ERROR, type(error).__name__) from error


def _broken_off(error: IMAP4.abort) -> ImapFailure:
    text = words_of(error)
    if text.startswith("unexpected"):
        return ImapFailure(Cause.PROTOCOL_ERROR)
    if isinstance(error.__context__, OSError):
        return ImapFailure.of_detail(detail_of(error.__context__))
    return ImapFailure(ImapReason.SESSION_ENDED, text)
