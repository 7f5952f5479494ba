"""Test connection: each phase that a server can fail at, and what is said about it."""

from __future__ import annotations

import pytest

from common.fields import Undecryptable
from massmail.backends.opening import default_ssl_context
from massmail.backends.phases import Phase
from massmail.orchestrator.probing import probe_connection
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.smtp_certificates import make_certificates
from massmail.tests.smtp_server import Fault, FaultServer, Offer

LOGIN = {
    "auth": "password",
    "email_host_user": "anna",
    "email_host_password": "right horse",
}
CREDENTIALS = {"anna": "right horse"}
BEFORE_MAIL = [Phase.CONNECT, Phase.BANNER, Phase.EHLO, Phase.AUTH]
PLAIN = [*BEFORE_MAIL, Phase.MAIL, Phase.RCPT, Phase.RSET]


def probe(server: FaultServer, **fields: object):
    account = EmailAccountFactory.build(
        owner=None, email_port=server.port, **LOGIN | fields
    )
    return probe_connection(account)


def states(steps) -> dict[Phase, str]:
    return {step.phase: step.state for step in steps}


def failed(steps):
    [step] = [step for step in steps if step.state == "failed"]
    return step


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """By an authority that this process trusts."""
    made = make_certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority_file))
    default_ssl_context.cache_clear()
    yield made
    default_ssl_context.cache_clear()


@pytest.fixture
def patience(settings):
    """Sets the time-outs, in seconds."""

    def set_to(connect: float, command: float) -> None:
        settings.MASSMAIL = settings.MASSMAIL | {
            "CONNECT_TIMEOUT": connect,
            "COMMAND_TIMEOUT": command,
        }

    return set_to


def test_all_phases_of_a_working_account_are_done_and_nothing_is_sent():
    with FaultServer(credentials=CREDENTIALS) as server:
        steps = probe(server, from_email="anna@example.com")
        server.wait_until_idle()

    assert [step.phase for step in steps] == PLAIN
    assert {step.state for step in steps} == {"done"}
    assert server.accepted == []
    verbs = [line.split(" ")[0] for line in server.commands]
    assert verbs == ["EHLO", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"]
    assert "RCPT TO:<anna@example.com>" in server.commands


@pytest.mark.parametrize("phase", PLAIN[1:])
def test_a_phase_that_is_refused_is_named_with_the_servers_words(phase):
    fault = Fault(phase, reply="554 5.7.1 not for you")
    with FaultServer(faults=[fault], credentials=CREDENTIALS) as server:
        steps = probe(server)

    position = PLAIN.index(phase)
    assert list(states(steps).values()) == [
        *["done"] * position,
        "failed",
        *["open"] * (len(PLAIN) - position - 1),
    ]
    assert failed(steps).words == "554 5.7.1 not for you"


@pytest.mark.parametrize("phase", PLAIN[1:])
def test_a_phase_at_which_the_line_breaks_is_named_with_help(phase):
    fault = Fault(phase, drop="close")
    with FaultServer(faults=[fault], credentials=CREDENTIALS) as server:
        steps = probe(server)

    assert [step.phase for step in steps] == PLAIN
    assert failed(steps).phase == phase
    assert failed(steps).words.startswith("connection_lost")
    assert "connection broke" in failed(steps).help_text


def test_a_server_that_is_not_there_is_a_failure_to_connect():
    with FaultServer() as server:
        pass
    steps = probe(server)

    assert failed(steps).phase == Phase.CONNECT
    assert "Nothing answers" in failed(steps).help_text
    assert set(list(states(steps).values())[1:]) == {"open"}


def test_a_wrong_password_is_told_without_showing_it():
    echo = Fault(Phase.AUTH, reply="535 5.7.8 you said wrong-horse")
    with FaultServer(faults=[echo], credentials=CREDENTIALS) as server:
        steps = probe(server, email_host_password="wrong-horse")

    assert failed(steps).phase == Phase.AUTH
    assert failed(steps).words == "535 5.7.8 you said ***"
    assert "Check user name and password" in failed(steps).help_text
    assert "wrong-horse" not in repr(steps)


@pytest.mark.parametrize(
    ("security", "offer"),
    [("starttls", Offer(starttls=True)), ("tls", Offer(implicit_tls=True))],
)
def test_encryption_is_a_phase_of_its_own(certificates, security, offer):
    context = certificates.server_context()
    with FaultServer(
        credentials=CREDENTIALS, offer=offer, tls_context=context
    ) as server:
        steps = probe(server, security=security)

    assert {step.state for step in steps} == {"done"}
    assert Phase.TLS in states(steps)


@pytest.mark.parametrize(
    ("security", "offer"),
    [("starttls", Offer(starttls=True)), ("tls", Offer(implicit_tls=True))],
)
def test_a_certificate_by_nobody_fails_before_the_password_is_sent(
    tmp_path, security, offer
):
    context = make_certificates(tmp_path).server_context()
    with FaultServer(
        credentials=CREDENTIALS, offer=offer, tls_context=context
    ) as server:
        steps = probe(server, security=security)

    assert failed(steps).phase == Phase.TLS
    assert states(steps)[Phase.CONNECT] == "done"
    assert states(steps)[Phase.AUTH] == "open"
    assert "not by a known authority" in failed(steps).help_text
    assert not [line for line in server.commands if line.startswith("AUTH")]


def test_a_certificate_for_another_name_is_told_apart(tmp_path, monkeypatch):
    made = make_certificates(tmp_path, ["elsewhere.example.com"])
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority_file))
    default_ssl_context.cache_clear()
    context, offer = made.server_context(), Offer(implicit_tls=True)
    with FaultServer(offer=offer, tls_context=context) as server:
        steps = probe(server, security="tls")
    default_ssl_context.cache_clear()

    assert failed(steps).phase == Phase.TLS
    assert "certificate is for another name" in failed(steps).help_text


def test_a_server_without_starttls_gets_no_password():
    with FaultServer(credentials=CREDENTIALS) as server:
        steps = probe(server, security="starttls")

    assert failed(steps).phase == Phase.STARTTLS
    assert "does not offer STARTTLS" in failed(steps).help_text
    assert server.commands[1:] == []


def test_a_private_address_is_refused_where_the_site_forbids_it(settings):
    settings.MASSMAIL = settings.MASSMAIL | {"ALLOW_PRIVATE_HOSTS": False}
    with FaultServer(credentials=CREDENTIALS) as server:
        steps = probe(server)

    assert failed(steps).phase == Phase.CONNECT
    assert "private network" in failed(steps).help_text
    assert server.connections == 0


def test_the_servers_limit_is_remembered():
    account = EmailAccountFactory.build(owner=None, max_message_bytes=5)
    for size, limit in ((1234, 1234), (0, None)):
        with FaultServer(offer=Offer(size=size)) as server:
            account.email_port = server.port
            probe_connection(account)
        assert account.max_message_bytes == limit


def test_an_address_that_is_none_fails_as_sender():
    with FaultServer(credentials=CREDENTIALS) as server:
        steps = probe(server, from_email="anna@")

    assert failed(steps).phase == Phase.MAIL
    assert states(steps)[Phase.AUTH] == "done"
    assert "not valid" in failed(steps).help_text


def test_a_password_that_cannot_be_decrypted_is_told():
    account = EmailAccountFactory.build(owner=None, **LOGIN)
    account.email_host_password = Undecryptable("sealed")

    steps = probe_connection(account)

    assert failed(steps).phase == Phase.AUTH
    assert {step.state for step in steps} == {"open", "failed"}
    assert "cannot be read with this site's keys" in failed(steps).help_text


def test_a_silent_server_is_not_waited_for_longer_than_a_command(patience):
    patience(connect=5, command=1)
    fault = Fault(Phase.EHLO, hang=True)
    with FaultServer(faults=[fault], credentials=CREDENTIALS) as server:
        steps = probe(server)

    assert failed(steps).phase == Phase.EHLO
    assert "did not answer in time" in failed(steps).help_text


def test_a_server_that_is_slow_at_every_step_does_not_hold_the_page_for_long(patience):
    patience(connect=0.1, command=0.6)
    phases = [Phase.BANNER, Phase.EHLO, Phase.AUTH, Phase.MAIL, Phase.RCPT]
    slow = [Fault(phase, delay_seconds=0.3) for phase in phases]
    with FaultServer(faults=slow, credentials=CREDENTIALS) as server:
        steps = probe(server)

    assert failed(steps).words.startswith("timed_out")
