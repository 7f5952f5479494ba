"""Reading a mailbox: the form that turns it on, the button, what the pages say."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from massmail.models import Alert, EmailAccount, Mailbox
from massmail.models.alert import mailbox_cause
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.imap_server import Fault
from massmail.tests.mailboxes.conftest import (
    PASSWORD,
    account_at,
    bounce,
    private,
    receiver,
    server,
)
from massmail.tests.site.conftest import manager, page
from massmail.tests.site.test_email_account import errors, posted

__all__ = ["receiver", "server"]

HOUR = dt.timedelta(hours=1)
LIST = page(EmailAccount, "changelist")


@pytest.fixture
def account(owner, colleague, server, receiver):
    account = account_at(server, owner=owner, co_owner=colleague)
    poll_mailbox(account.pk)
    return account


def press(client, account) -> str:
    """The words that are shown afterwards."""
    url = reverse("admin:massmail_emailaccount_check_mailbox", args=[account.pk])
    response = client.post(url)
    assert (response.status_code, response["Location"]) == (302, page(account))
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def facts(browser, user, account):
    return browser(user).get(page(account)).context["mailbox"]


# --- the button


def test_the_button_says_what_was_found(browser, owner, account, server):
    server.deliver(bounce())
    server.deliver(bounce(kind="complaint"))
    server.deliver(bounce(kind="bounce"))

    words = press(browser(owner), account)

    assert words == "The mailbox was read. Found: 2 bounces, 1 complaint."


def test_the_button_says_that_nothing_was_ours(browser, owner, account, server):
    assert press(browser(owner), account).endswith("There is no new mail.")
    server.deliver(private())

    words = press(browser(owner), account)

    assert words == "The mailbox was read: 1 new mail, not about your mailings."


def test_the_button_says_why_it_failed_and_shows_no_secret(
    browser, owner, account, server
):
    reply = f"{{tag}} NO <b>{PASSWORD}</b> is wrong"
    server.faults.append(Fault("AUTHENTICATE", reply=reply))

    words = press(browser(owner), account)

    assert "The mailbox cannot be read. The IMAP server refused the login." in words
    assert "“<b>***</b> is wrong”" in words
    body = browser(owner).get(page(account)).content.decode()
    assert "&lt;b&gt;***&lt;/b&gt;" in body
    assert PASSWORD not in body


def test_the_button_reads_a_stopped_mailbox_again(browser, owner, account, server):
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO no", times=1))
    poll_mailbox(account.pk)
    assert Alert.objects.filter(closed_at=None).count() == 1

    assert "no new mail" in press(browser(owner), account)
    assert not Alert.objects.filter(closed_at=None).exists()


def test_the_button_does_nothing_while_somebody_else_reads(browser, owner, account):
    until = timezone.now() + HOUR
    Mailbox.objects.update(lease_token="0" * 32, lease_until=until)

    assert "being read just now" in press(browser(owner), account)


def test_the_button_of_an_account_that_does_not_read(browser, owner):
    account = EmailAccountFactory(owner=owner)

    assert "reads no mailbox" in press(browser(owner), account)


def test_a_get_reads_nothing(browser, owner, account, server):
    server.commands.clear()
    url = reverse("admin:massmail_emailaccount_check_mailbox", args=[account.pk])

    assert browser(owner).get(url).status_code == 405
    assert server.commands == []


@pytest.mark.parametrize(("who", "status"), [("colleague", 403), ("stranger", 302)])
def test_others_may_not_press_it(browser, colleague, account, server, who, status):
    """A co-owner sees the account and changes nothing; a stranger does not see it."""
    user = colleague if who == "colleague" else manager("stranger")
    server.commands.clear()
    url = reverse("admin:massmail_emailaccount_check_mailbox", args=[account.pk])

    response = browser(user).post(url)

    assert response.status_code in (status, 404)
    assert server.commands == []


# --- the page and the list


def test_the_page_says_when_it_was_read_and_what_was_found(
    browser, owner, account, server
):
    assert facts(browser, owner, account).found == "Nothing has come back so far."
    server.deliver(bounce(kind="reply"))
    poll_mailbox(account.pk)

    told = facts(browser, owner, account)

    assert (told.tone, told.help_text) == ("good", "")
    assert told.sentence.startswith("Last read at ")
    assert told.found.endswith(": 1 reply.")


def test_the_page_says_why_not_and_when_next(browser, owner, account, server):
    server.faults.append(Fault("GREETING", drop=True))
    poll_mailbox(account.pk)

    told = facts(browser, owner, account)

    assert told.tone == "resting"
    assert "is tried again at" in told.sentence
    assert "Last read at" in told.sentence
    assert told.help_text == "The connection to the IMAP server broke."


def test_the_page_says_that_a_person_is_needed(browser, owner, account, server):
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO [ALERT] go away"))
    poll_mailbox(account.pk)

    told = facts(browser, owner, account)

    assert told.tone == "stopped"
    assert "not read until the cause is mended" in told.sentence
    assert told.server_words == "[ALERT] go away"


def test_after_an_edit_it_is_no_longer_said_to_be_stopped(
    browser, owner, account, server
):
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO no"))
    poll_mailbox(account.pk)
    account.save()

    assert facts(browser, owner, account).tone == "good"


def test_a_folder_that_cannot_be_read_is_named(browser, owner, account, server):
    server.add_folder("&BCEEPwQwBDw-", r"\Junk")
    server.faults.append(Fault("EXAMINE &", reply="{tag} NO not for you"))
    poll_mailbox(account.pk)

    [refused] = facts(browser, owner, account).refused

    assert refused == {"name": "Спам", "words": "not for you"}


def test_a_mailbox_that_nobody_reads_is_not_silent(browser, owner, account):
    Mailbox.objects.update(next_poll_at=timezone.now() - HOUR)

    told = facts(browser, owner, account)

    assert told.tone == "stopped"
    assert "the scheduler is not running" in told.sentence


@pytest.mark.parametrize("was_read", [True, False])
def test_an_edit_that_nobody_acts_upon_is_not_silent(browser, owner, account, was_read):
    if not was_read:
        Mailbox.objects.all().delete()
    edited_at = timezone.now() - HOUR
    EmailAccount.objects.filter(pk=account.pk).update(updated_at=edited_at)

    told = facts(browser, owner, account)

    assert (told.tone, "the scheduler is not running" in told.sentence) == (
        "stopped",
        True,
    )


def test_a_new_account_says_that_it_begins(browser, owner):
    account = EmailAccountFactory(owner=owner, imports_mail=True, imap_host="i.example")

    assert "not been read yet" in facts(browser, owner, account).sentence


def test_without_a_server_it_says_so(browser, owner):
    account = EmailAccountFactory(owner=owner, imports_mail=True)

    assert "enter the IMAP server" in facts(browser, owner, account).sentence


def test_an_account_that_does_not_read_says_nothing_of_it(browser, owner):
    account = EmailAccountFactory(owner=owner)

    assert facts(browser, owner, account) is None
    assert "mm-mailbox" not in browser(owner).get(page(account)).content.decode()


def test_the_co_owner_sees_how_it_fares_and_no_button(browser, colleague, account):
    body = browser(colleague).get(page(account)).content.decode()

    assert "Last read at" in body
    assert "check_mailbox" not in body


def test_the_list_says_how_each_mailbox_fares(browser, owner, account, server):
    assert "Last read at" in browser(owner).get(LIST).content.decode()
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO [ALERT] go away"))
    poll_mailbox(account.pk)

    assert "[ALERT] go away" in browser(owner).get(LIST).content.decode()


def test_the_list_costs_no_query_more_for_each(
    browser, owner, server, receiver, django_assert_max_num_queries
):
    for _number in range(10):
        poll_mailbox(account_at(server, owner=owner).pk)
    client = browser(owner)

    with django_assert_max_num_queries(20):
        client.get(LIST)


# --- the form


def test_reading_needs_a_server(browser, owner, account):
    data = posted(account, imports_mail="on", imap_host="")

    found = errors(browser(owner).post(page(account), data))

    assert list(found) == ["imap_host"]
    assert "Enter the IMAP server" in found["imap_host"][0]


def test_reading_needs_a_login(browser, owner, account):
    data = posted(account, auth="none", email_host_user="")

    found = errors(browser(owner).post(page(account), data))

    assert "without a login" in found["imports_mail"][0]


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({"auth": "google", "email_host": "smtp.gmail.com"}, "imap.gmail.com"),
        (
            {"auth": "microsoft", "email_host": "smtp.office365.com"},
            "outlook.office365.com",
        ),
        (
            {"preset": "yandex", "email_host": "smtp.yandex.ru", "auth": "password"},
            "imap.yandex.ru",
        ),
    ],
)
def test_the_server_of_a_known_provider_is_filled_in(browser, owner, fields, host):
    account = EmailAccountFactory(
        owner=owner,
        email_port=587,
        security="starttls",
        email_host_user="anna",
        email_host_password="secret",
        access_token="access",
        refresh_token="refresh",
        **fields,
    )
    data = posted(account, imports_mail="on", preset=account.preset)

    response = browser(owner).post(page(account), data)

    assert response.status_code == 302
    account.refresh_from_db()
    assert (account.imap_host, account.imports_mail) == (host, True)
    assert (account.email_host_password, account.refresh_token) == ("secret", "refresh")


def test_a_preset_of_another_server_fills_in_nothing(browser, owner):
    account = EmailAccountFactory(
        owner=owner,
        preset="yandex",
        email_host="smtp.example.com",
        email_port=587,
        security="starttls",
        auth="password",
        email_host_user="anna",
        email_host_password="secret",
    )
    data = posted(account, imports_mail="on", preset="yandex")

    assert list(errors(browser(owner).post(page(account), data))) == ["imap_host"]


def test_the_form_says_what_is_read_and_that_nothing_is_changed(
    browser, owner, account
):
    body = browser(owner).get(page(account)).content.decode()

    assert "nothing of it is kept" in body
    assert "Nothing in the mailbox is changed" in body


def test_with_a_new_owner_the_alert_is_his(browser, superuser, colleague, account):
    Alert.objects.raise_once(
        cause=mailbox_cause(account.pk),
        recipient=account.owner,
        text="not read",
        now=timezone.now(),
    )
    data = posted(account, owner=colleague.pk, co_owner="")

    response = browser(superuser).post(page(account), data)

    assert response.status_code == 302
    assert Alert.objects.get().recipient == colleague


def test_with_the_account_its_mailbox_goes_and_its_alerts_end(browser, owner, account):
    Alert.objects.raise_once(
        cause=mailbox_cause(account.pk),
        recipient=owner,
        text="not read",
        now=timezone.now(),
    )

    browser(owner).post(page(account, "delete"), {"post": "yes"})

    assert not Mailbox.objects.exists()
    assert not Alert.objects.filter(closed_at=None).exists()
