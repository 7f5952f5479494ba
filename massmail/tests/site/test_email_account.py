"""Mailboxes in the admin: secrets go in and never come out."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from massmail.models import AccountEvent, Alert, EmailAccount
from massmail.site import account_deletion
from massmail.tests.factories import (
    NOW,
    AlertFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MainAccountFactory,
)
from massmail.tests.site.conftest import page

SECRET = "correct horse battery"


@pytest.fixture
def account(owner, colleague):
    return EmailAccountFactory(
        owner=owner,
        co_owner=colleague,
        name="news",
        email_host="smtp.example.com",
        email_port=587,
        security="starttls",
        auth="password",
        email_host_user="anna",
        email_host_password=SECRET,
        access_token="access-secret",
        refresh_token="refresh-secret",
    )


def posted(account: EmailAccount, **changes: object) -> dict[str, object]:
    """The form as its page sends it, with some fields changed."""
    fields = [
        "name from_name from_email reply_to email_host email_port security auth",
        "email_host_user per_minute per_hour per_day min_gap_seconds",
        "max_gap_seconds max_connections imap_host imap_port",
    ]
    data = {name: getattr(account, name) for name in " ".join(fields).split()}
    data = {name: "" if value is None else value for name, value in data.items()}
    switches = ["is_main", "for_massmail", "imports_mail"]
    data |= {name: "on" for name in switches if getattr(account, name)}
    data |= {"co_owner": account.co_owner_id or "", "email_host_password": ""}
    return data | changes


def errors(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


def test_gaps_in_the_wrong_order_are_told_beside_the_field(browser, owner, account):
    data = posted(account, min_gap_seconds=20, max_gap_seconds=1)

    response = browser(owner).post(page(account), data)

    assert errors(response) == {
        "max_gap_seconds": ["The longest gap must not be shorter than the shortest."]
    }


@pytest.mark.parametrize("who", ["owner", "colleague", "superuser"])
def test_no_page_shows_a_secret(request, browser, account, who):
    client = browser(request.getfixturevalue(who))

    for kind in ("change", "history"):
        body = client.get(page(account, kind)).content.decode()
        assert client.get(page(account, kind)).status_code == 200
        for secret in (SECRET, "access-secret", "refresh-secret"):
            assert secret not in body


def test_the_co_owner_sees_the_account_but_neither_server_nor_login(
    browser, colleague, account
):
    response = browser(colleague).get(page(account))

    assert account.from_email in response.content.decode()
    assert "smtp.example.com" not in response.content.decode()
    assert "email_host_password" not in response.content.decode()


def test_the_co_owner_changes_nothing(browser, colleague, account):
    data = posted(account, name="mine")

    assert browser(colleague).post(page(account), data).status_code == 403
    account.refresh_from_db()
    assert account.name == "news"


def test_a_blank_password_keeps_the_stored_one(browser, owner, account):
    response = browser(owner).post(page(account), posted(account, name="letters"))

    assert response.status_code == 302
    account.refresh_from_db()
    assert (account.name, account.email_host_password) == ("letters", SECRET)


@pytest.mark.parametrize("field", ["email_host", "imap_host"])
def test_the_stored_password_is_not_given_to_another_server(
    browser, owner, account, field
):
    response = browser(owner).post(
        page(account), posted(account, name="letters", **{field: "mail.attacker.net"})
    )

    assert response.status_code == 200
    [error] = errors(response)["email_host_password"]
    assert error == "Enter the password again: it was given for another server."
    account.refresh_from_db()
    assert (account.name, account.email_host) == ("news", "smtp.example.com")
    assert (account.imap_host, account.email_host_password) == ("", SECRET)
    assert account.access_token == "access-secret"


def test_another_server_gets_the_password_that_is_entered_for_it(
    browser, owner, account
):
    data = posted(account, email_host="smtp.other.net", email_host_password="new")

    assert browser(owner).post(page(account), data).status_code == 302
    account.refresh_from_db()
    assert (account.email_host, account.email_host_password) == (
        "smtp.other.net",
        "new",
    )


def test_a_server_changed_while_nobody_logs_in_learns_no_password_later(
    browser, owner, account
):
    client = browser(owner)
    data = posted(account, auth="none", email_host="mail.attacker.net")

    assert client.post(page(account), data).status_code == 302
    account.refresh_from_db()
    assert account.email_host_password == ""
    again = client.post(page(account), posted(account, auth="password"))

    assert errors(again) == {"email_host_password": ["This login needs a password."]}


def test_another_owner_gets_neither_password_nor_tokens(
    browser, superuser, colleague, account
):
    data = posted(account, owner=colleague.pk, co_owner="")

    assert browser(superuser).post(page(account), data).status_code == 302
    account.refresh_from_db()
    assert (account.owner, account.email_host_password) == (colleague, "")
    assert not account.is_connected


@pytest.mark.parametrize("field", ["email_host", "imap_host"])
def test_a_providers_login_is_for_its_own_servers(browser, owner, account, field):
    hosts = {"email_host": "smtp.gmail.com", "imap_host": "imap.gmail.com"}
    data = posted(account, auth="google", **hosts | {field: "mail.attacker.net"})

    response = browser(owner).post(page(account), data)

    assert errors(response) == {
        field: ["This is no server of Google, which the login is for."]
    }
    account.refresh_from_db()
    assert account.auth == "password"


def test_a_new_password_replaces_the_stored_one(browser, owner, account):
    data = posted(account, email_host_password=" with spaces ")

    assert browser(owner).post(page(account), data).status_code == 302
    account.refresh_from_db()
    assert account.email_host_password == " with spaces "


def test_the_stored_password_can_be_forgotten(browser, owner, account):
    data = posted(account, auth="none", clear_password="on")

    assert browser(owner).post(page(account), data).status_code == 302
    account.refresh_from_db()
    assert account.email_host_password == ""


def test_only_a_password_that_is_stored_can_be_forgotten(browser, owner, account):
    client = browser(owner)
    assert "clear_password" in client.get(page(account)).text
    EmailAccount.objects.update(email_host_password="")

    for url in (page(account), page(EmailAccount, "add")):
        html = client.get(url).text

        assert "clear_password" not in html and "keeps the stored one" not in html
        assert "Stored encrypted and never shown." in html


def test_a_password_cannot_be_entered_and_forgotten_at_once(browser, owner, account):
    data = posted(account, clear_password="on", email_host_password="new")

    response = browser(owner).post(page(account), data)

    assert "clear_password" in errors(response)
    account.refresh_from_db()
    assert account.email_host_password == SECRET


def test_a_refused_form_does_not_show_the_password_again(browser, owner, account):
    data = posted(account, name="", email_host_password="typed just now")

    response = browser(owner).post(page(account), data)

    assert "name" in errors(response)
    assert "typed just now" not in response.content.decode()


def test_an_open_form_does_not_undo_what_happened_meanwhile(browser, owner, account):
    data = posted(account, name="letters")
    EmailAccount.objects.filter(pk=account.pk).update(
        state="stopped", state_reason="login_refused", next_send_at=NOW
    )

    browser(owner).post(page(account), data)

    account.refresh_from_db()
    assert (account.name, account.state) == ("letters", "stopped")
    assert account.next_send_at == NOW


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"security": "none"}, "security"),
        ({"email_host_user": ""}, "email_host_user"),
        ({"clear_password": "on"}, "email_host_password"),
        ({"email_host": "https://smtp.example.com"}, "email_host"),
        ({"email_host": "smtp.example.com:587"}, "email_host"),
        ({"auth": "carrier-pigeon"}, "auth"),
        ({"from_email": "anna@"}, "from_email"),
        ({"max_gap_seconds": "-1"}, "max_gap_seconds"),
    ],
)
def test_what_cannot_work_is_refused_at_save(browser, owner, account, changes, field):
    response = browser(owner).post(page(account), posted(account, **changes))

    assert response.status_code == 200
    assert field in errors(response)


def test_a_password_over_an_open_line_stays_on_this_machine(browser, owner, account):
    data = posted(account, security="none", email_host="127.0.0.1", email_port=2525)
    data["email_host_password"] = "for this machine"

    assert browser(owner).post(page(account), data).status_code == 302


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [
        ("localhost", 587, "email_host"),
        ("mail.localhost.", 587, "email_host"),
        ("127.0.0.1", 587, "email_host"),
        ("10.1.2.3", 587, "email_host"),
        ("192.168.1.1", 587, "email_host"),
        ("169.254.169.254", 587, "email_host"),
        ("::1", 587, "email_host"),
        ("::ffff:10.0.0.1", 587, "email_host"),
        ("smtp.example.com", 22, "email_port"),
    ],
)
def test_servers_inside_the_network_are_refused(
    browser, owner, account, settings, host, port, field
):
    settings.MASSMAIL = settings.MASSMAIL | {"ALLOW_PRIVATE_HOSTS": False}
    data = posted(account, email_host=host, email_port=port)

    response = browser(owner).post(page(account), data)

    assert field in errors(response)
    account.refresh_from_db()
    assert account.email_host == "smtp.example.com"


def test_a_second_main_account_is_refused_with_words(browser, owner, account):
    MainAccountFactory(owner=owner)

    response = browser(owner).post(page(account), posted(account, is_main="on"))

    assert response.status_code == 200
    assert "Another account is the main one already." in response.content.decode()


def test_an_added_account_belongs_to_who_added_it(browser, owner, colleague, account):
    data = posted(account, name="second", owner=colleague.pk, co_owner="")
    data["email_host_password"] = "new"

    response = browser(owner).post(page(EmailAccount, "add"), data)

    assert response.status_code == 302
    assert EmailAccount.objects.get(name="second").owner == owner


def test_a_superuser_chooses_the_owner(browser, superuser, colleague, account):
    data = posted(account, name="second", owner=colleague.pk, auth="none")

    response = browser(superuser).post(page(EmailAccount, "add"), data)

    assert response.status_code == 302
    assert EmailAccount.objects.get(name="second").owner == colleague


@pytest.fixture
def stopped(account):
    EmailAccount.objects.filter(pk=account.pk).update(
        state="stopped", state_reason="login_refused", failures_in_a_row=3
    )
    AlertFactory(cause=f"account:{account.pk}", recipient=account.owner)
    account.refresh_from_db()
    return account


def activate_url(account: EmailAccount) -> str:
    return reverse("admin:massmail_emailaccount_activate", args=[account.pk])


def test_the_page_says_why_an_account_stopped(browser, owner, stopped):
    body = browser(owner).get(page(stopped)).content.decode()

    assert "The server refused the login." in body
    assert activate_url(stopped) in body


def test_the_owner_activates_a_stopped_account(browser, owner, stopped):
    response = browser(owner).post(activate_url(stopped))

    assert response.status_code == 302
    stopped.refresh_from_db()
    assert (stopped.state, stopped.state_reason) == ("active", "")
    assert stopped.failures_in_a_row == 0
    event = AccountEvent.objects.get()
    assert (event.state, event.by) == ("active", owner)
    assert Alert.objects.get().closed_at is not None


def test_reading_the_button_activates_nothing(browser, owner, stopped):
    assert browser(owner).get(activate_url(stopped)).status_code == 405
    stopped.refresh_from_db()
    assert stopped.state == "stopped"


def test_the_co_owner_does_not_activate(browser, colleague, stopped):
    assert browser(colleague).post(activate_url(stopped)).status_code == 403
    stopped.refresh_from_db()
    assert stopped.state == "stopped"


@pytest.mark.parametrize("key", ["0", "x", "1 OR 1", "9" * 30])
def test_activating_what_does_not_exist_is_not_found(browser, superuser, key):
    url = f"/massmail/emailaccount/{key}/activate/"

    assert browser(superuser).post(url).status_code == 404


def test_an_account_that_has_sent_is_not_deleted_and_the_page_says_why(
    browser, owner, account
):
    DeliveryFactory(email_account=account, mailing__owner=owner)
    client = browser(owner)

    shown = client.get(page(account, "delete"))
    confirmed = client.post(page(account, "delete"), {"post": "yes"})

    assert "1 delivery" in shown.text
    assert "still needed:" in shown.text and "Pause it instead" in shown.text
    assert f'href="{page(account)}">Back</a>' in shown.text
    assert confirmed.status_code == 200
    assert EmailAccount.objects.filter(pk=account.pk).exists()


def test_an_account_that_drafts_only_plan_to_use_is_deleted(browser, owner, account):
    row = DeliveryFactory(email_account=account, mailing=MailingOutFactory(owner=owner))
    client = browser(owner)

    shown = client.get(page(account, "delete"))
    client.post(page(account, "delete"), {"post": "yes"})

    assert "1 delivery" not in shown.content.decode()
    assert not EmailAccount.objects.filter(pk=account.pk).exists()
    row.refresh_from_db()
    assert row.email_account is None


class SentAgain(HTMLParser):
    """What the form of a page that goes on by itself sends."""

    def __init__(self, html):
        super().__init__()
        self.is_open, self.fields = False, {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.is_open = "data-goes-on" in values
        elif tag == "input" and self.is_open:
            self.fields.setdefault(values["name"], []).append(values["value"])

    def handle_endtag(self, tag):
        if tag == "form":
            self.is_open = False


@pytest.mark.parametrize("by_action", [False, True])
def test_while_drafts_need_more_time_the_deletion_goes_on_by_itself(
    browser, owner, account, monkeypatch, by_action
):
    other = EmailAccountFactory(owner=owner)
    for mailing in MailingOutFactory.create_batch(2, owner=owner):
        DeliveryFactory(email_account=account, mailing=mailing)
    client = browser(owner)
    url = page(EmailAccount, "changelist") if by_action else page(account, "delete")
    data = {"post": "yes"}
    if by_action:
        chosen = [account.pk, other.pk]
        data |= {"action": "delete_selected", "_selected_action": chosen}
    monkeypatch.setattr(account_deletion, "SECONDS", -1.0)

    told = client.post(url, data)

    assert told.status_code == 200
    assert "Drafts still plan to mail 2 recipients with" in told.text
    assert account.from_email in told.text
    assert "massmail/go_on.js" in told.text
    assert EmailAccount.objects.filter(pk=account.pk).exists()

    monkeypatch.undo()
    ended = client.post(url, SentAgain(told.text).fields)

    assert ended["Location"].endswith(page(EmailAccount, "changelist"))
    assert EmailAccount.objects.filter(pk=account.pk).exists() is False
    assert EmailAccount.objects.filter(pk=other.pk).exists() is not by_action


@pytest.mark.parametrize("by_action", [False, True])
def test_who_may_not_delete_an_account_drops_no_plans(
    browser, owner, colleague, account, by_action
):
    row = DeliveryFactory(email_account=account, mailing=MailingOutFactory(owner=owner))
    url = page(EmailAccount, "changelist") if by_action else page(account, "delete")
    data = {"post": "yes"}
    if by_action:
        data |= {"action": "delete_selected", "_selected_action": [account.pk]}

    browser(colleague).post(url, data)

    row.refresh_from_db()
    assert row.email_account == account


def test_an_account_that_is_kept_keeps_its_plans(browser, owner, account):
    planned = DeliveryFactory(
        email_account=account, mailing=MailingOutFactory(owner=owner)
    )
    DeliveryFactory(email_account=account, mailing__owner=owner)

    browser(owner).post(page(account, "delete"), {"post": "yes"})

    planned.refresh_from_db()
    assert planned.email_account == account


def test_an_account_with_nothing_but_a_history_is_deleted(browser, owner, account):
    AccountEvent.objects.create(email_account=account, occurred_at=NOW, state="active")

    browser(owner).post(page(account, "delete"), {"post": "yes"})

    assert not EmailAccount.objects.exists()


def test_the_list_action_deletes_only_what_is_the_persons(browser, colleague, account):
    data = {
        "action": "delete_selected",
        "_selected_action": [account.pk],
        "post": "yes",
    }

    browser(colleague).post(page(EmailAccount, "changelist"), data)

    assert EmailAccount.objects.filter(pk=account.pk).exists()


def test_who_waits_for_a_domain_is_looked_at_again_when_its_limit_changes(
    browser, owner, account
):
    later = NOW + dt.timedelta(hours=30)
    row = DeliveryFactory(
        email_account=account, reason="domain_limit", not_before=later
    )
    client = browser(owner)

    client.post(page(account), posted(account, name="renamed"))
    row.refresh_from_db()
    assert (row.reason, row.not_before) == ("domain_limit", later)

    client.post(page(account), posted(account, per_domain_hour=50))
    row.refresh_from_db()
    assert (row.reason, row.not_before) == ("", row.queued_at)
