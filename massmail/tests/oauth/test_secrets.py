"""No secret in the database, dumps, pages, histories, logs, mails, tasks or reprs."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone
from django.views.debug import get_exception_reporter_class

from massmail import tasks
from massmail.backends.driving import drive
from massmail.credentials import access_token
from massmail.models import EmailAccount
from massmail.orchestrator.probing import probe_connection
from massmail.sending.connections import open_connection, server_of
from massmail.tests.factories import DeliveryFactory, EmailAccountFactory
from massmail.tests.oauth.conftest import ADDRESS, consent, start
from massmail.tests.site.conftest import page
from massmail.tests.site.test_email_account import posted

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]
PASSWORD = "unicorn-battery-staple"


@pytest.fixture
def secretive(connected) -> EmailAccount:
    connected.email_host_password = PASSWORD
    connected.save()
    return connected


def secrets_of(account: EmailAccount) -> list[str]:
    account = EmailAccount.objects.get(pk=account.pk)
    return list(filter(None, [PASSWORD, account.access_token, account.refresh_token]))


def assert_silent(text: str, account: EmailAccount) -> None:
    assert text
    assert [secret for secret in secrets_of(account) if secret in text] == []


def expire() -> None:
    past = timezone.now() - dt.timedelta(hours=1)
    EmailAccount.objects.update(access_token_expires_at=past)


def test_the_database_holds_ciphertext(secretive):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM massmail_emailaccount")
        assert_silent(str(cursor.fetchall()), secretive)


def test_dumps_hold_ciphertext(secretive):
    out = StringIO()
    call_command("dumpdata", "massmail", stdout=out)
    assert_silent(out.getvalue(), secretive)


def test_pages_and_histories_are_silent(
    secretive, browser, owner, provider, certificates
):
    client = browser(owner)
    data = posted(secretive, email_host_password=PASSWORD, name="renamed")
    shown = client.post(page(secretive), data, follow=True).content.decode()
    client.get(consent(start(client, secretive), certificates))
    for kind in ("change", "history"):
        shown += client.get(page(secretive, kind)).content.decode()
    shown += str(list(LogEntry.objects.values_list("change_message", flat=True)))

    assert "renamed" in shown
    assert_silent(shown, secretive)


def test_a_refused_form_shows_no_secret_again(secretive, browser, owner):
    data = posted(secretive, email_host_password=PASSWORD, from_email="no address")
    response = browser(owner).post(page(secretive), data)

    assert response.status_code == 200
    assert_silent(response.content.decode(), secretive)


def test_logs_are_silent_even_at_their_loudest(
    secretive, browser, owner, provider, certificates, server, caplog
):
    caplog.set_level(logging.DEBUG)
    client = browser(owner)
    client.get(consent(start(client, secretive), certificates))
    before = secrets_of(secretive)
    expire()
    probe_connection(secretive)
    server.tokens[ADDRESS] = "refused"
    probe_connection(EmailAccount.objects.get())

    assert provider.refreshes == 2
    assert_silent(caplog.text, secretive)
    assert [secret for secret in before if secret in caplog.text] == []


def test_reprs_are_silent(secretive):
    token = drive(access_token(secretive.pk, clock=timezone.now))
    server = server_of(secretive, token)
    values = [
        secretive,
        token,
        server,
        server.make_authenticator(),
        vars(token.__class__),
    ]

    assert_silent(" ".join(map(repr, values)), secretive)


def exception_mails(request=None) -> str:
    """What is mailed to the administrators, with and without HTML."""
    reporter = get_exception_reporter_class(request)(request, *sys.exc_info())
    return reporter.get_traceback_text() + reporter.get_traceback_html()


@pytest.fixture
def account_by_password(owner, server) -> EmailAccount:
    server.credentials["anna"] = PASSWORD
    server.offer = server.offer.__class__(mechanisms=("PLAIN",))
    return EmailAccountFactory(
        owner=owner,
        email_port=server.port,
        auth="password",
        email_host_user="anna",
        email_host_password=PASSWORD,
    )


def broken(*args, **kwargs):
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    "place",
    [
        "massmail.backends.channel.Channel.queue",
        "massmail.backends.opening._challenge",
        "massmail.backends.dialogue.Dialogue.read_lines",
        "massmail.sending.connections.SmtpConnection",
    ],
)
@pytest.mark.parametrize("login", ["token", "password"])
def test_exception_mails_of_a_login_are_silent(
    request, secretive, account_by_password, monkeypatch, place, login, server
):
    account = secretive if login == "token" else account_by_password
    server.tokens[ADDRESS] = "refused"
    server.offer = server.offer.__class__(mechanisms=("XOAUTH2", "LOGIN"))
    monkeypatch.setattr(place, broken)

    with pytest.raises(RuntimeError):
        drive(open_connection(account, timezone.now))
    try:
        drive(open_connection(account, timezone.now))
    except RuntimeError:
        assert_silent(exception_mails(), account)


@pytest.mark.parametrize("place", ["requests.Session.send", "json.loads"])
def test_exception_mails_of_a_renewal_are_silent(secretive, monkeypatch, place):
    expire()
    monkeypatch.setattr(place, broken)
    try:
        drive(access_token(secretive.pk, clock=timezone.now))
    except RuntimeError:
        assert_silent(exception_mails(), secretive)
    else:
        pytest.fail("It did not break.")


def test_exception_mails_of_the_form_are_silent(secretive, owner, monkeypatch):
    monkeypatch.setattr(EmailAccount, "clean", broken)
    from massmail.tests.site.urls import site

    request = RequestFactory().post(
        page(secretive), posted(secretive, email_host_password=PASSWORD)
    )
    request.user, request._dont_enforce_csrf_checks = owner, True
    try:
        site.get_model_admin(EmailAccount).change_view(request, str(secretive.pk))
    except RuntimeError:
        assert_silent(exception_mails(request), secretive)
    else:
        pytest.fail("It did not break.")


def test_exception_mails_of_what_fails_before_the_form_are_silent(
    secretive, owner, monkeypatch
):
    """The database may go away while the session is read."""
    from massmail.tests.site.urls import site

    address = page(secretive)
    request = RequestFactory().post(
        address, posted(secretive, email_host_password=PASSWORD)
    )
    request.user, request._dont_enforce_csrf_checks = owner, True
    monkeypatch.setattr(site, "has_permission", broken)
    view, args, kwargs = resolve(address)
    try:
        view(request, *args, **kwargs)
    except RuntimeError:
        assert_silent(exception_mails(request), secretive)
        assert PASSWORD not in exception_mails(request)
    else:
        pytest.fail("It did not break.")


def test_tasks_carry_ids_alone(secretive, monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr(
        tasks.send_account_queue, "delay", lambda *args: calls.append(args)
    )
    DeliveryFactory(
        email_account=secretive,
        mailing=None,
        version=None,
        kind="alert",
        recipient=None,
        content_type=None,
        object_id="",
        name="",
        address=ADDRESS,
        not_before=timezone.now(),
    )

    tasks.walk_account_queues()

    assert calls == [(secretive.pk,)]
