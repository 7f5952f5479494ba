"""A mailbox on a real server, the account that reads it, and what it handed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from massmail.inbound.kinds import ReturnKind
from massmail.models import EmailAccount
from massmail.orchestrator import returns
from massmail.orchestrator.polling import poll_mailbox
from massmail.orchestrator.returns import Returned
from massmail.tests.factories import EmailAccountFactory, UserFactory
from massmail.tests.imap_server import ImapServer

USER, PASSWORD = "anna", "right horse"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer(users={USER: PASSWORD}) as server:
        yield server


def account_at(server: ImapServer | None, **fields: Any) -> EmailAccount:
    place = {"imap_host": server.host, "imap_port": server.port} if server else {}
    values = place | {
        "owner": fields.pop("owner", None) or UserFactory(),
        "auth": "password",
        "email_host_user": USER,
        "email_host_password": PASSWORD,
        "imports_mail": True,
    }
    return EmailAccountFactory(**values | fields)


@pytest.fixture
def account(db, server) -> EmailAccount:
    return account_at(server)


class Receiver:
    """Stands for `returns.receive`; says what each mail is by its X-Kind."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.accounts: list[EmailAccount | None] = []
        # Raised once, after the mail was taken in.
        self.error: BaseException | None = None

    def __call__(
        self, raw: bytes, *, now: dt.datetime, account: EmailAccount | None = None
    ) -> Returned:
        self.mails.append(raw)
        self.accounts.append(account)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        kind = raw.partition(b"X-Kind: ")[2].partition(b"\r\n")[0].decode()
        return Returned(ReturnKind(kind or "unknown"), is_news=bool(kind))

    @property
    def subjects(self) -> list[str]:
        return [
            raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
            for raw in self.mails
        ]


@pytest.fixture
def receiver(monkeypatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(returns, "receive", receiver)
    return receiver


def bounce(subject: str = "bounce", *, kind: str = "bounce", body: str = "") -> bytes:
    lines = [
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>",
        "Content-Type: multipart/report; report-type=delivery-status",
        f"X-Kind: {kind}",
        f"Subject: {subject}",
        "",
        body or "gone",
    ]
    return "\r\n".join(lines).encode()


def private(subject: str = "dinner", **fields: str) -> bytes:
    more = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    lines = ["From: Bob <bob@example.org>", f"Subject: {subject}", *more, "", "secret"]
    return "\r\n".join(lines).encode()


def reads_from_now(account: EmailAccount, server: ImapServer) -> None:
    """The mailbox was read once: positions are set."""
    assert poll_mailbox(account.pk).state == "read"
    server.commands.clear()


@pytest.fixture
def ready(account, server, receiver) -> EmailAccount:
    reads_from_now(account, server)
    return account


def later(**delta: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(**delta)
