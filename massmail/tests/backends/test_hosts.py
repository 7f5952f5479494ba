"""Which machines a connection may be made to, and how their names are found."""

from __future__ import annotations

import socket
import threading

import pytest

from massmail.backends import hosts
from massmail.backends.smtp import Phase, Server, SmtpConnection, drive
from massmail.tests.backends.clients import IMPATIENT, PATIENT, facts, failure_of

PRIVATE = [
    "64:ff9b:1::7f00:1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "fec0::1",
    "192.0.0.8",
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.1.2.3",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_inside_a_network_are_not_public(host) -> None:
    assert not hosts.is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2a00:1450::1", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(host) -> None:
    assert hosts.is_public(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_private_hosts_are_refused_unless_allowed(
    start_server, connection_to, host
) -> None:
    server = start_server()
    connection = connection_to(server, host=host, allow_private_hosts=False)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail == f"private_address: {host}"
    assert server.connections == 0


def test_the_address_that_is_checked_is_the_one_connected_to(
    connection_to, start_server, monkeypatch
) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked = []

    def changing(host, port, flags=0):
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        asked.append(host)
        return [hosts.Endpoint(socket.AF_INET, (ip, port)) for ip in next(answers)]

    connected = []

    def note(endpoint, deadline):
        connected.append(endpoint.host)
        raise ConnectionRefusedError
        yield

    monkeypatch.setattr(hosts, "_look_up", changing)
    monkeypatch.setattr(hosts, "_connect_one", note)
    connection = connection_to(
        start_server(), host="rebinding.example", allow_private_hosts=False
    )
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.detail == "connection_refused"
    assert asked == ["rebinding.example"]
    assert connected == ["8.8.8.8"]


def test_only_the_public_addresses_of_a_host_are_tried(
    connection_to, start_server, monkeypatch
) -> None:
    server = start_server()

    def mixed(host, port, flags=0):
        ips = ["10.0.0.1", "127.0.0.1"]
        return [hosts.Endpoint(socket.AF_INET, (ip, port)) for ip in ips]

    monkeypatch.setattr(hosts, "_look_up", mixed)
    connection = connection_to(server, allow_private_hosts=False)
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.detail.startswith("private_address")
    assert server.connections == 0


def test_every_address_is_tried(start_server, connection_to, monkeypatch) -> None:
    server = start_server()

    def several(host, port, flags=0):
        closed = hosts.Endpoint(socket.AF_INET6, ("::1", port))
        return [closed, hosts.Endpoint(socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr(hosts, "_look_up", several)
    connection = connection_to(server, host="two.example")
    drive(connection.open())
    assert connection.usable


def test_a_silent_address_leaves_time_for_the_next(
    start_server, connection_to, monkeypatch
) -> None:
    server = start_server()

    def twice(host, port, flags=0):
        return [hosts.Endpoint(socket.AF_INET, ("127.0.0.1", port))] * 2

    monkeypatch.setattr(hosts, "_look_up", twice)
    opening = connection_to(server, host="slow.example").open()
    first = next(opening)
    second = opening.throw(TimeoutError())
    assert second.sock is not first.sock
    assert first.deadline < second.deadline
    assert first.sock.fileno() == -1
    opening.close()


def failing_resolver(number):
    def look_up(host, port, flags=0):
        raise socket.gaierror(number, "words of the resolver")

    return look_up


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (socket.EAI_NONAME, "host_not_found"),
        (socket.EAI_AGAIN, "resolver_unavailable"),
        (socket.EAI_FAIL, "resolver_unavailable"),
        (socket.EAI_SYSTEM, "resolver_unavailable"),
    ],
)
def test_an_unknown_name_is_told_from_a_resolver_at_fault(
    connection_to, start_server, monkeypatch, number, cause
) -> None:
    monkeypatch.setattr(hosts, "_look_up", failing_resolver(number))
    connection = connection_to(start_server(), host="mail.example.com")
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail == f"{cause}: words of the resolver"


def test_a_resolver_without_an_answer_is_not_waited_for(monkeypatch) -> None:
    released = threading.Event()

    def stuck(host, port, flags=0):
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        released.wait()
        return []

    monkeypatch.setattr(hosts, "_look_up", stuck)
    connection = SmtpConnection(Server("mail.example.com", 25, "none"), IMPATIENT)
    failure = failure_of(lambda: drive(connection.open()))
    released.set()
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail == "resolver_unavailable: no answer in time"


def test_a_machine_without_threads_to_spare_tries_again_later(monkeypatch) -> None:
    def no_more(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    connection = SmtpConnection(Server("mail.example.com", 25, "none"), PATIENT)
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.detail == "resolver_unavailable: can't start new thread"


@pytest.mark.parametrize(
    "host", ["", ".example.com", "a b", "a\r\nb", "a\0b", "x" * 254, "ex\u2028ample"]
)
def test_impossible_host_names_are_not_found(host) -> None:
    connection = SmtpConnection(Server(host, 25, "none"), PATIENT)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail.startswith("host_not_found")


def test_international_host_names_become_a_labels() -> None:
    assert hosts.ascii_host("smtp.faß.de") == "smtp.xn--fa-hia.de"
    assert hosts.ascii_host("mail_1.example.com") == "mail_1.example.com"
