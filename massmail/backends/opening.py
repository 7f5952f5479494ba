"""From a connected socket to a session that takes mail: greeting, TLS, login."""

from __future__ import annotations

import base64
import binascii
import functools
import ssl
import time
from collections.abc import Generator

from massmail.backends.authentication import Authenticator
from massmail.backends.causes import Cause
from massmail.backends.channel import Waiting
from massmail.backends.dialogue import Dialogue
from massmail.backends.hosts import ascii_host, ip_address, is_loopback
from massmail.backends.phases import Phase, Reply, SmtpFailure, Wait
from massmail.backends.replies import join_reply, parse_features
from massmail.backends.server import NO_SECURITY, STARTTLS, TLS, Server

Features = dict[str, str]

# With these the server refuses a mechanism, not the credentials.
_MECHANISM_REFUSED = (500, 502, 504)
_MAX_CHALLENGES = 8


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """Verifies certificate and host name; made once, since it costs milliseconds.

    OpenSSL's `SSL_CERT_FILE` names other authorities.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def open_session(
    dialogue: Dialogue, server: Server, context: ssl.SSLContext | None
) -> Generator[Wait, None, Features]:
    """Banner to login; returns what the server offers. Raises SmtpFailure."""
    if server.security == TLS:
        yield from _encrypt(dialogue, server, context)
    dialogue.check(Phase.BANNER, (yield from dialogue.read(Phase.BANNER)))
    features = yield from _greet(dialogue, server)
    if server.security == STARTTLS:
        yield from _request_tls(dialogue, features)
        yield from _encrypt(dialogue, server, context)
        # What was offered in clear may have been an attacker's (RFC 3207 section 4.2).
        features = yield from _greet(dialogue, server)
    if server.needs_login:
        yield from _log_in(dialogue, server, features)
    return features


def _greet(dialogue: Dialogue, server: Server) -> Generator[Wait, None, Features]:
    name = server.ehlo_name or _address_literal(dialogue.channel.local_host)
    yield from dialogue.write(Phase.EHLO, f"EHLO {name}\r\n".encode("ascii"))
    code, lines = yield from dialogue.read_lines(Phase.EHLO)
    if code // 100 == 2:
        return parse_features(lines)
    if code // 100 != 5:
        raise SmtpFailure(Phase.EHLO, join_reply(code, lines))
    yield from dialogue.require(Phase.EHLO, f"HELO {name}\r\n".encode("ascii"))
    return {}


def _address_literal(host: str) -> str:
    """RFC 5321 section 4.1.3."""
    address = ip_address(host)
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _request_tls(dialogue: Dialogue, features: Features) -> Waiting:
    if "STARTTLS" not in features:
        raise SmtpFailure(Phase.STARTTLS, None, Cause.STARTTLS_MISSING.says())
    yield from dialogue.require(Phase.STARTTLS, b"STARTTLS\r\n")


def _encrypt(
    dialogue: Dialogue, server: Server, context: ssl.SSLContext | None
) -> Waiting:
    dialogue.phase = Phase.TLS
    yield from dialogue.channel.start_tls(
        context or default_ssl_context(),
        ascii_host(server.host),
        time.monotonic() + dialogue.command_seconds,
    )


def _log_in(dialogue: Dialogue, server: Server, features: Features) -> Waiting:
    dialogue.phase = Phase.AUTH
    _refuse_login_in_clear(dialogue, server)
    authenticator = _authenticator_of(server)
    for mechanism in _usable_mechanisms(authenticator, features):
        reply = yield from _try_mechanism(dialogue, authenticator, mechanism)
        if reply.is_positive:
            return
        if reply.code not in _MECHANISM_REFUSED:
            break
    raise SmtpFailure(Phase.AUTH, _redacted(reply, authenticator))


def _authenticator_of(server: Server) -> Authenticator:
    try:
        return server.make_authenticator()
    except ValueError as error:
        detail = Cause.LOGIN_IMPOSSIBLE.says(error)
        raise SmtpFailure(Phase.AUTH, None, detail) from error


def _usable_mechanisms(authenticator: Authenticator, features: Features) -> list[str]:
    """At least one, else SmtpFailure."""
    offered = features.get("AUTH", "").upper().split()
    usable = [name for name in authenticator.mechanisms if name in offered]
    if not usable:
        detail = Cause.LOGIN_NOT_OFFERED.says(" ".join(offered))
        raise SmtpFailure(Phase.AUTH, None, detail)
    return usable


def _refuse_login_in_clear(dialogue: Dialogue, server: Server) -> None:
    channel = dialogue.channel
    on_this_machine = server.security == NO_SECURITY and is_loopback(channel.peer_host)
    if not channel.is_encrypted and not on_this_machine:
        raise SmtpFailure(Phase.AUTH, None, Cause.LOGIN_IN_CLEAR.says())


def _try_mechanism(
    dialogue: Dialogue, authenticator: Authenticator, mechanism: str
) -> Generator[Wait, None, Reply]:
    responses = authenticator.responses(mechanism)
    line = _auth_command(mechanism, next(responses))
    for _ in range(_MAX_CHALLENGES):
        yield from dialogue.write(Phase.AUTH, line)
        code, lines = yield from dialogue.read_lines(Phase.AUTH)
        if code // 100 != 3:
            return join_reply(code, lines)
        try:
            line = base64.b64encode(responses.send(_challenge(lines)) or b"") + b"\r\n"
        except StopIteration:
            line = b"*\r\n"
    detail = Cause.PROTOCOL_ERROR.says("a login without end")
    raise SmtpFailure(Phase.AUTH, None, detail)


def _auth_command(mechanism: str, initial: bytes | None) -> bytes:
    # An empty initial response is written "=" (RFC 4954 section 4).
    response = b"" if initial is None else b" " + (base64.b64encode(initial) or b"=")
    return b"AUTH " + mechanism.encode("ascii") + response + b"\r\n"


def _challenge(lines: list[str]) -> bytes:
    try:
        return base64.b64decode("".join(lines))
    except binascii.Error:
        return b""


def _redacted(reply: Reply, authenticator: Authenticator) -> Reply:
    """Without secrets that the server repeats: its words are stored and shown."""
    text = reply.text
    for secret in filter(None, authenticator.secrets):
        text = text.replace(secret, "***")
    return reply._replace(text=text)
