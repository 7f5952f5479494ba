"""Nothing goes to a server that cannot prove who it is."""

from __future__ import annotations

import ssl

import pytest

from massmail.backends.opening import default_ssl_context
from massmail.backends.smtp import Phase, Server, SmtpConnection, drive
from massmail.tests.backends.clients import (
    IMPATIENT,
    MESSAGE,
    PATIENT,
    RECIPIENT,
    SENDER,
    facts,
    failure_of,
    send,
)
from massmail.tests.smtp_certificates import make_certificates
from massmail.tests.smtp_server import Fault, Offer

STARTTLS, IMPLICIT = Offer(starttls=True), Offer(implicit_tls=True)
BOTH_WAYS = [("starttls", STARTTLS), ("tls", IMPLICIT)]


@pytest.fixture
def start_tls_server(start_server, certificates):
    def start(**settings):
        return start_server(**{"tls_context": certificates.server_context()} | settings)

    return start


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(("security", "offer"), BOTH_WAYS)
def test_a_message_arrives_encrypted(
    start_tls_server, opened, trusted, security, offer, host
) -> None:
    server = start_tls_server(offer=offer)
    connection = opened(server, security=security, host=host)
    assert connection.tls
    send(connection)
    send(connection, MESSAGE + b".dots\r\n" * 100_000)
    drive(connection.quit())
    assert [message.content for message in server.accepted] == [
        MESSAGE,
        MESSAGE + b".dots\r\n" * 100_000,
    ]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("security", "offer"), BOTH_WAYS)
def test_both_versions_of_tls_serve(
    start_server, opened, trusted, security, offer, version
) -> None:
    context = trusted.server_context()
    context.minimum_version = context.maximum_version = version
    server = start_server(tls_context=context, offer=offer)
    connection = opened(server, security=security, host="localhost")
    envelope = (SENDER, RECIPIENT, len(MESSAGE))
    for _ in range(3):
        drive(connection.begin(*envelope))
        drive(connection.finish(MESSAGE, then=envelope))
    drive(connection.begin(*envelope))
    drive(connection.finish(MESSAGE))
    assert len(server.accepted) == 4


@pytest.mark.parametrize(("security", "offer"), BOTH_WAYS)
def test_an_unknown_authority_is_refused(
    start_server, connection_to, trusted, other_certificates, security, offer
) -> None:
    server = start_server(tls_context=other_certificates.server_context(), offer=offer)
    connection = connection_to(server, security=security, host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.TLS, None)
    assert failure.detail.startswith("certificate_invalid: ")
    assert not connection.usable


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(("security", "offer"), BOTH_WAYS)
def test_a_certificate_for_another_name_is_refused(
    start_server, connection_to, trusted, tmp_path, monkeypatch, security, offer, host
) -> None:
    elsewhere = make_certificates(tmp_path, names=["mail.example.com", "192.0.2.1"])
    monkeypatch.setenv("SSL_CERT_FILE", str(elsewhere.authority_file))
    default_ssl_context.cache_clear()
    server = start_server(tls_context=elsewhere.server_context(), offer=offer)
    connection = connection_to(server, security=security, host=host)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.TLS, None)
    assert failure.detail.startswith("host_name_mismatch: ")


def test_an_expired_certificate_is_refused(
    start_server, connection_to, trusted, tmp_path, monkeypatch
) -> None:
    expired = make_certificates(tmp_path, valid_days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(expired.authority_file))
    default_ssl_context.cache_clear()
    server = start_server(tls_context=expired.server_context(), offer=IMPLICIT)
    connection = connection_to(server, security="tls", host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.detail == "certificate_invalid: certificate has expired"


def test_an_outdated_protocol_is_refused(start_server, connection_to, trusted) -> None:
    context = trusted.server_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = start_server(tls_context=context, offer=IMPLICIT)
    connection = connection_to(server, security="tls", host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.phase is Phase.TLS
    assert failure.reply is None


def test_a_server_without_starttls_gets_nothing(start_server, connection_to) -> None:
    server = start_server(credentials={"ann": "secret"})
    connection = connection_to(
        server, security="starttls", auth="password", user="ann", password="secret"
    )
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.STARTTLS, None)
    assert failure.detail == "starttls_missing"
    assert [line.split()[0] for line in server.commands] == ["EHLO"]


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "502 5.5.1 what?"])
def test_a_refused_starttls_ends_the_connection(
    start_tls_server, connection_to, reply
) -> None:
    server = start_tls_server(
        offer=STARTTLS, faults=[Fault(Phase.STARTTLS, reply=reply)]
    )
    connection = connection_to(server, security="starttls")
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.STARTTLS, int(reply[:3]))
    assert not connection.usable


def test_answers_smuggled_behind_starttls_are_forgotten(
    start_tls_server, opened, trusted
) -> None:
    smuggled = "220 2.0.0 go ahead\r\n250-evil.example\r\n250 AUTH PLAIN X-EVIL"
    server = start_tls_server(
        offer=STARTTLS, faults=[Fault(Phase.STARTTLS, reply=smuggled)]
    )
    connection = opened(server, security="starttls", host="localhost")
    assert "X-EVIL" not in connection.features["AUTH"]
    assert "STARTTLS" not in connection.features
    send(connection)
    assert len(server.accepted) == 1


@pytest.mark.parametrize("drop", ["close", "reset"])
@pytest.mark.parametrize(("security", "offer"), BOTH_WAYS)
def test_a_drop_in_the_handshake(
    start_tls_server, connection_to, trusted, security, offer, drop
) -> None:
    server = start_tls_server(offer=offer, faults=[Fault(Phase.TLS, drop=drop)])
    connection = connection_to(server, security=security, host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.phase in (Phase.CONNECT, Phase.STARTTLS, Phase.TLS)
    assert failure.detail.startswith("connection_lost: ")
    assert not connection.usable


def test_silence_in_the_handshake(start_tls_server, connection_to, trusted) -> None:
    server = start_tls_server(offer=IMPLICIT, faults=[Fault(Phase.TLS, hang=True)])
    connection = connection_to(server, IMPATIENT, security="tls", host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.TLS, None)
    assert failure.detail == "timed_out"


def test_a_server_that_speaks_no_tls(start_server, connection_to, trusted) -> None:
    connection = connection_to(start_server(), security="tls", host="localhost")
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.TLS, None)
    assert failure.detail.startswith("tls_failed: ")


@pytest.mark.parametrize("after_accept", [False, True])
def test_a_drop_after_the_encrypted_dot_is_uncertain(
    start_tls_server, opened, trusted, after_accept
) -> None:
    fault = Fault(Phase.DOT, drop="close", after_accept=after_accept)
    server = start_tls_server(offer=IMPLICIT, faults=[fault])
    connection = opened(server, security="tls", host="localhost")
    failure = failure_of(lambda: send(connection))
    assert failure.after_dot
    assert connection.handed_over


def test_a_drop_in_encrypted_content_is_safe_to_retry(
    start_tls_server, opened, trusted
) -> None:
    server = start_tls_server(offer=IMPLICIT, faults=[Fault(Phase.BODY, drop="reset")])
    connection = opened(server, security="tls", host="localhost")
    drive(connection.begin(SENDER, RECIPIENT, 5_000_000))
    failure = failure_of(lambda: drive(connection.finish(b"x\r\n" * 10_000_000)))
    assert facts(failure) == (Phase.BODY, None)
    assert not connection.handed_over


def test_another_context_can_be_given(start_tls_server, certificates) -> None:
    server = start_tls_server(offer=IMPLICIT)
    settings = Server("localhost", server.port, "tls", allow_private_hosts=True)
    context = certificates.client_context()
    connection = SmtpConnection(settings, PATIENT, ssl_context=context)
    drive(connection.open())
    drive(connection.quit())
    assert connection.tls


def test_the_default_context_is_made_once_and_strict() -> None:
    context = default_ssl_context()
    assert context is default_ssl_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
