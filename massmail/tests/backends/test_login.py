"""Logging in, and never showing a secret to anybody else."""

from __future__ import annotations

import base64

import pytest

from massmail.backends.phases import Reply
from massmail.backends.smtp import Phase, Server, drive
from massmail.tests.backends.clients import facts, failure_of, send
from massmail.tests.smtp_server import Fault, Offer

ANN = {"auth": "password", "user": "ann", "password": "pass wörd"}
CREDENTIALS = {"ann": "pass wörd"}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TokenLogin:
    """A login method that a provider would plug in."""

    mechanisms = ("XOAUTH2",)

    def __init__(self, user: str, token: str) -> None:
        self.line = f"user={user}\1auth=Bearer {token}\1\1".encode()
        self.secrets = (token,)

    def responses(self, mechanism):
        yield self.line
        while True:
            yield b""


@pytest.mark.parametrize(
    ("mechanisms", "lines"),
    [
        (("LOGIN", "PLAIN"), ["AUTH PLAIN " + b64("\0ann\0pass wörd")]),
        (("LOGIN",), ["AUTH LOGIN", b64("ann"), b64("pass wörd")]),
    ],
)
def test_what_the_server_offers_is_used(
    start_server, opened, mechanisms, lines
) -> None:
    server = start_server(credentials=CREDENTIALS, offer=Offer(mechanisms=mechanisms))
    connection = opened(server, **ANN)
    assert server.commands[1:] == lines
    send(connection)
    assert len(server.accepted) == 1


def test_a_refused_login_ends_the_connection(start_server, connection_to) -> None:
    server = start_server(credentials=CREDENTIALS)
    connection = connection_to(server, **ANN | {"password": "wrong"})
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.phase is Phase.AUTH
    assert failure.reply == Reply(535, "5.7.8", "authentication failed")
    assert not connection.usable
    # One refusal is enough: more would lock the mailbox.
    assert len(server.commands) == 2


@pytest.mark.parametrize("refusal", ["504 5.5.4 no", "502 no", "500 no"])
def test_another_mechanism_is_tried_if_one_is_refused(
    start_server, opened, refusal
) -> None:
    server = start_server(
        credentials=CREDENTIALS, faults=[Fault(Phase.AUTH, times=1, reply=refusal)]
    )
    opened(server, **ANN)
    assert [line.split()[:2] for line in server.commands[1:3]] == [
        ["AUTH", "PLAIN"],
        ["AUTH", "LOGIN"],
    ] or server.commands[2] == "AUTH LOGIN"


@pytest.mark.parametrize("offer", [Offer(auth=False), Offer(mechanisms=("CRAM-MD5",))])
def test_no_secret_is_sent_to_a_server_without_a_known_login(
    start_server, connection_to, offer
) -> None:
    server = start_server(credentials=CREDENTIALS, offer=offer)
    failure = failure_of(lambda: drive(connection_to(server, **ANN).open()))
    assert facts(failure) == (Phase.AUTH, None)
    assert failure.detail.startswith("login_not_offered")
    assert len(server.commands) == 1


def test_no_secret_is_sent_in_clear_to_another_machine(
    start_server, connection_to, monkeypatch
) -> None:
    server = start_server(credentials=CREDENTIALS)
    connection = connection_to(server, **ANN)
    peer = "massmail.backends.channel.Channel.peer_host"
    monkeypatch.setattr(peer, property(lambda channel: "192.0.2.1"))
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.AUTH, None)
    assert failure.detail == "login_in_clear"
    assert len(server.commands) == 1


def test_no_login_is_made_unless_it_was_chosen(start_server, opened) -> None:
    server = start_server()
    opened(server, user="ann", password="pass wörd")
    assert [line.split()[0] for line in server.commands] == ["EHLO"]


def test_what_the_server_repeats_of_a_secret_is_not_kept(
    start_server, connection_to
) -> None:
    plain = b64("\0ann\0pass wörd")
    fault = Fault(Phase.AUTH, reply=f"535 5.7.8 bad login {plain} (pass wörd)")
    server = start_server(credentials=CREDENTIALS, faults=[fault])
    failure = failure_of(lambda: drive(connection_to(server, **ANN).open()))
    assert failure.reply.text == "bad login *** (***)"


def test_no_repr_shows_a_secret() -> None:
    login = TokenLogin("ann", "t0ken")
    server = Server("h", 25, user="ann", password="geheim", authenticator=lambda: login)
    assert "geheim" not in repr(server)
    assert "t0ken" not in repr(server)


@pytest.mark.parametrize("drop", ["close", "reset"])
def test_a_drop_at_the_login(start_server, connection_to, drop) -> None:
    server = start_server(
        credentials=CREDENTIALS, faults=[Fault(Phase.AUTH, drop=drop)]
    )
    connection = connection_to(server, **ANN)
    assert facts(failure_of(lambda: drive(connection.open()))) == (Phase.AUTH, None)


def test_a_login_method_plugs_in(start_server, opened) -> None:
    server = start_server(
        tokens={"ann": "t0ken"}, offer=Offer(mechanisms=("PLAIN", "XOAUTH2"))
    )
    login = TokenLogin("ann", "t0ken")
    connection = opened(server, auth="google", authenticator=lambda: login)
    send(connection)
    assert len(server.accepted) == 1


def test_an_error_challenge_is_answered_with_nothing(
    start_server, connection_to
) -> None:
    server = start_server(tokens={"ann": "t0ken"}, offer=Offer(mechanisms=("XOAUTH2",)))
    login = TokenLogin("ann", "stale")
    connection = connection_to(server, auth="google", authenticator=lambda: login)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.AUTH, 535)
    assert server.commands[-1] == ""


def test_a_login_without_end_is_ended(start_server, connection_to) -> None:
    server = start_server(
        tokens={"ann": "t0ken"},
        offer=Offer(mechanisms=("XOAUTH2",)),
        faults=[Fault(Phase.AUTH, reply="334 bW9yZQ==" + "\r\n334 bW9yZQ==" * 50)],
    )
    login = TokenLogin("ann", "t0ken")
    connection = connection_to(server, auth="google", authenticator=lambda: login)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.AUTH, None)
    assert failure.detail == "protocol_error: a login without end"
    assert not connection.usable


def test_a_challenge_too_many_cancels_the_login(start_server, connection_to) -> None:
    server = start_server(
        credentials=CREDENTIALS,
        offer=Offer(mechanisms=("PLAIN",)),
        faults=[Fault(Phase.AUTH, reply="334 bW9yZQ==\r\n501 5.7.0 cancelled")],
    )
    failure = failure_of(lambda: drive(connection_to(server, **ANN).open()))
    assert facts(failure) == (Phase.AUTH, 501)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auth": "google"}, "The login method 'google' has no authenticator."),
        (ANN | {"password": "a\0b"}, "A user name or password must not contain NUL."),
    ],
)
def test_settings_that_allow_no_login_end_the_connection(
    start_server, connection_to, settings, words
) -> None:
    server = start_server(credentials=CREDENTIALS)
    connection = connection_to(server, **settings)
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (Phase.AUTH, None)
    assert failure.detail == f"login_impossible: {words}"
    assert not connection.usable
    assert len(server.commands) == 1


def test_a_nul_cannot_change_the_user() -> None:
    server = Server("h", 25, auth="password", user="ann\0bob", password="x")
    with pytest.raises(ValueError, match="NUL"):
        server.make_authenticator()
