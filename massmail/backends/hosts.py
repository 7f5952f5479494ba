"""From a server's name to a connected socket, past addresses that are off limits."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import selectors
import socket
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import idna

from massmail.backends.causes import Cause, detail_of
from massmail.backends.phases import Phase, SmtpFailure, Wait

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(r"[!-~](?<!\.)[!-~]{0,252}")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not the internet's, though `ipaddress` (of Python 3.11) takes them for it: IPv4 in
# other clothes (RFC 4291, 7915, 8215), site-local, and IETF's own.
_NOT_GLOBAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b:1::/48",
        "fec0::/10",
        "192.0.0.0/24",
    )
)
_UNKNOWN_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)


class Endpoint(NamedTuple):
    """One address of a server, as the socket module takes it."""

    family: int
    address: tuple[Any, ...]

    @property
    def host(self) -> str:
        return self.address[0]


def ip_address(host: str) -> IPAddress:
    """The address that traffic to `host` finally reaches: embedded IPv4 unwrapped."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_loopback(host: str) -> bool:
    return ip_address(host).is_loopback


def is_public(host: str) -> bool:
    """Whether the address is anybody's to reach, and not one inside a network."""
    address = ip_address(host)
    if any(address in network for network in _NOT_GLOBAL):
        return False
    return address.is_global and not address.is_multicast


def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_local_name(host: str) -> bool:
    """RFC 6761 §6.3: localhost and all names below it are this machine."""
    name = plain_name(host)
    return name == "localhost" or name.endswith(".localhost")


def is_private(host: str) -> bool:
    """As far as it can be told without asking a resolver."""
    return is_local_name(host) or (is_ip_address(host) and not is_public(host))


def plain_name(host: str) -> str:
    """One spelling of a name that resolvers take in several."""
    return host.strip().rstrip(".").lower()


def ascii_host(host: str) -> str:
    """The host name with A-labels; raises SmtpFailure for an impossible one."""
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise _unknown_host(error) from error
    if not _HOST.fullmatch(name):
        raise _unknown_host("not a host name")
    return name


def connect(
    host: str, port: int, deadline: float, *, allow_private: bool
) -> Generator[Wait, None, socket.socket]:
    """A connected, non-blocking socket; every address gets its share of the time.

    The addresses that are connected to are the ones that are checked, so that a name
    that is resolved twice to different addresses gains nothing. Raises SmtpFailure.
    """
    found = yield from _resolve(ascii_host(host), port, deadline)
    endpoints = [end for end in found if allow_private or is_public(end.host)]
    if not endpoints:
        raise SmtpFailure(Phase.CONNECT, None, Cause.PRIVATE_ADDRESS.says(host))
    return (yield from _connect_first(endpoints, deadline))


def _connect_first(
    endpoints: Sequence[Endpoint], deadline: float
) -> Generator[Wait, None, socket.socket]:
    detail = ""
    for position, endpoint in enumerate(endpoints):
        now = time.monotonic()
        share = (deadline - now) / (len(endpoints) - position)
        try:
            return (yield from _connect_one(endpoint, now + share))
        except OSError as error:
            detail = detail_of(error)
    raise SmtpFailure(Phase.CONNECT, None, detail)


def _connect_one(
    endpoint: Endpoint, deadline: float
) -> Generator[Wait, None, socket.socket]:
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    connected = False
    try:
        sock.setblocking(False)
        # The end of a message must not wait for the answer to its beginning.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = sock.connect_ex(endpoint.address)
        if error in _UNDER_WAY:
            yield Wait(sock, selectors.EVENT_WRITE, deadline)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        connected = True
        return sock
    finally:
        if not connected:
            sock.close()


def _resolve(
    host: str, port: int, deadline: float
) -> Generator[Wait, None, list[Endpoint]]:
    try:
        return _look_up(host, port, socket.AI_NUMERICHOST)
    except OSError:
        return (yield from _resolve_name(host, port, deadline))


def _resolve_name(
    host: str, port: int, deadline: float
) -> Generator[Wait, None, list[Endpoint]]:
    """Ask the system's resolver, which only knows how to block, in a thread.

    The thread's socket closes when it is done; a resolver that is slower than the
    deadline is left alone and ends by itself.
    """
    answers: list[list[Endpoint] | OSError] = []
    waiting, working = socket.socketpair()

    def look_up() -> None:
        with working:
            try:
                answers.append(_look_up(host, port))
            except OSError as error:
                answers.append(error)

    with waiting:
        try:
            threading.Thread(target=look_up, daemon=True, name="smtp-resolver").start()
        except RuntimeError as error:
            working.close()
            raise _resolver_unavailable(error) from error
        try:
            while not answers:
                yield Wait(waiting, selectors.EVENT_READ, deadline)
        except TimeoutError as error:
            raise _resolver_unavailable("no answer in time") from error
    if isinstance(answers[0], OSError):
        raise _failure_of_resolver(answers[0]) from answers[0]
    return answers[0]


def _look_up(host: str, port: int, flags: int = 0) -> list[Endpoint]:
    # As bytes, since Python would put a name through IDNA 2003.
    found = socket.getaddrinfo(
        host.encode("ascii"), port, type=socket.SOCK_STREAM, flags=flags
    )
    return [Endpoint(family, address) for family, _, _, _, address in found]


def _failure_of_resolver(error: OSError) -> SmtpFailure:
    if error.errno in _UNKNOWN_NAME:
        return _unknown_host(error.strerror)
    return _resolver_unavailable(error.strerror)


def _unknown_host(words: object) -> SmtpFailure:
    return SmtpFailure(Phase.CONNECT, None, Cause.HOST_NOT_FOUND.says(words))


def _resolver_unavailable(words: object) -> SmtpFailure:
    return SmtpFailure(Phase.CONNECT, None, Cause.RESOLVER_UNAVAILABLE.says(words))
