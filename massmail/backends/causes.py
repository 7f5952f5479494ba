"""Why a step failed without an answer of the server."""

from __future__ import annotations

import ssl
from enum import StrEnum

from massmail.backends.phases import printable

# X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL.
_NAME_MISMATCHES = (62, 64)


class Cause(StrEnum):
    """Why a step failed without an answer: the first word of a failure's detail."""

    HOST_NOT_FOUND = "host_not_found"
    RESOLVER_UNAVAILABLE = "resolver_unavailable"
    PRIVATE_ADDRESS = "private_address"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_LOST = "connection_lost"
    TIMED_OUT = "timed_out"
    CERTIFICATE_INVALID = "certificate_invalid"
    HOST_NAME_MISMATCH = "host_name_mismatch"
    TLS_FAILED = "tls_failed"
    STARTTLS_MISSING = "starttls_missing"
    LOGIN_NOT_OFFERED = "login_not_offered"
    LOGIN_IN_CLEAR = "login_in_clear"
    LOGIN_IMPOSSIBLE = "login_impossible"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a name, no secret
    NEEDS_RECONNECTING = "needs_reconnecting"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROTOCOL_ERROR = "protocol_error"
    SENDER_INVALID = "sender_invalid"
    SENDER_NOT_ASCII = "sender_not_ascii"
    RECIPIENT_NOT_ASCII = "recipient_not_ascii"

    def says(self, words: object = "") -> str:
        """The detail of a failure: this code word, then words for a person."""
        shown = printable(str(words))
        return f"{self}: {shown}" if shown else str(self)

    @classmethod
    def of(cls, detail: str) -> Cause | None:
        """The cause that a detail begins with, if it names one."""
        word = detail.partition(":")[0]
        return cls(word) if word in cls._value2member_map_ else None


def detail_of(error: OSError) -> str:
    """The detail of a failure that the socket or TLS reported."""
    if isinstance(error, TimeoutError):
        return Cause.TIMED_OUT.says()
    if isinstance(error, ssl.SSLCertVerificationError):
        mismatch = error.verify_code in _NAME_MISMATCHES
        cause = Cause.HOST_NAME_MISMATCH if mismatch else Cause.CERTIFICATE_INVALID
        return cause.says(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return Cause.TLS_FAILED.says(error.reason or error)
    if isinstance(error, ConnectionRefusedError):
        return Cause.CONNECTION_REFUSED.says()
    return Cause.CONNECTION_LOST.says(error.strerror or error)
