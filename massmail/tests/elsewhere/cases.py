"""What must hold in a project of other people; `test_elsewhere.py` runs these."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from massmail import models
from massmail.orchestrator.alerting import mail_alerts
from massmail.signals import mailing_launched, unsubscribed
from massmail.tests.elsewhere.models import Guest, Person, Seller
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)
NOW = dt.datetime(2027, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def seller():
    seller = Seller.sellers.create(login="anna", mailbox="anna@example.com")
    apps_of_hers = ["massmail", "elsewhere"]
    rights = Permission.objects.filter(content_type__app_label__in=apps_of_hers)
    seller.user_permissions.set(rights)
    return seller


@pytest.fixture
def boss():
    return Seller.sellers.create(login="boss", is_superuser=True)


@pytest.fixture
def account(seller, server):
    return models.EmailAccount.objects.create(
        owner=seller,
        name="news",
        from_email="anna@example.com",
        email_host="127.0.0.1",
        email_port=server.port,
        security="none",
        auth="none",
        min_gap_seconds=0,
        max_gap_seconds=0,
    )


@pytest.fixture
def message(seller):
    models.MassmailSettings(postal_address="Example Ltd, Utrecht").save()
    return models.EmlMessage.objects.create(
        owner=seller,
        subject="News for {{ first_name|default:'you' }}",
        content=(
            "<p>Hello {{ first_name|default:'there' }}</p><p>{{ postal_address }}"
            '<a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
        ),
    )


@pytest.fixture
def people(seller):
    given = [("Zoe", "zoe@example.org"), ("Max", "max@example.org"), ("No", None)]
    return [
        Person.objects.create(name=name, mail=mail, seller=seller)
        for name, mail in given
    ]


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(target: Any, kind: str = "change") -> str:
    meta = target._meta
    arguments = [] if isinstance(target, type) else [target.pk]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{kind}", args=arguments)


def ticked(people: list[Person], action: str) -> dict[str, Any]:
    keys = [str(person.pk) for person in people]
    return {"action": action, ACTION_CHECKBOX_NAME: keys}


def launched(client: Client, people: list[Person], message: Any, model: Any = Person):
    """From the list of records to the launch, as a manager does it."""
    answer = {"create": "1", "name": "spring", "how": "existing", "counted": 3}
    answer |= ticked(people, "create_mailing") | {"message": message.pk}
    client.post(page(model, "changelist"), answer)
    mailing = models.MailingOut.objects.get()
    assert client.get(page(mailing, "launch")).status_code == 200
    client.post(page(mailing, "launch"), {"expected": 2})
    mailing.refresh_from_db()
    return mailing


def link_in(content: bytes) -> str:
    mail = message_from_bytes(content, policy=policy.default)
    [link] = re.findall("<(.+?)>", mail["List-Unsubscribe"])
    return urlsplit(link).path


def states(mailing: Any) -> dict[str, str]:
    rows = mailing.deliveries.all()
    return {row.name: row.reason or row.status for row in rows}


def test_the_checks_find_nothing():
    assert run_checks() == []


@pytest.mark.parametrize("model", [Person, Guest])
def test_a_mailing_from_the_list_to_the_one_who_leaves(
    seller, account, message, people, server, model
):
    told = []
    receivers = [lambda **facts: told.append(facts["by"])]
    mailing_launched.connect(receivers[0])
    receivers.append(lambda **facts: told.append(facts["object_ids"]))
    unsubscribed.connect(receivers[1])
    client, stranger = browser(seller), Client()

    mailing = launched(client, people, message, model)
    call_command("send_queue", "--once")

    assert states(mailing) == {"Zoe": "sent", "Max": "sent", "No": "no_address"}
    [first] = [one for one in server.accepted if one.rcpt == "zoe@example.org"]
    link = link_in(first.content)
    assert link.startswith("/letters/u/")
    assert stranger.get(link).status_code == 200
    assert stranger.post(link, {"confirm": "unsubscribe"}).status_code == 303
    assert not Person.objects.get(name="Zoe").wants_mail
    assert told == [seller, [str(people[0].pk)]]
    assert client.get(page(mailing)).status_code == 200
    for record in (people[0], Guest.objects.get(name="Max")):
        assert client.get(page(record)).status_code == 200
        assert client.get(page(record, "mailings")).status_code == 200
    for kind in (Person, Guest):
        assert "Zoe" in client.get(page(kind, "changelist")).content.decode()
    call_command("check_ledger")


def test_every_page_of_massmail_opens(boss):
    client, opened = browser(boss), 0
    for model in apps.get_app_config("massmail").get_models():
        for kind in ("changelist", "add"):
            try:
                address = page(model, kind)
            except NoReverseMatch:
                continue
            assert client.get(address, follow=True).status_code in (200, 403), address
            opened += 1

    assert opened > 30
    assert client.get(reverse("admin:app_list", args=["massmail"])).status_code == 200


def test_the_settings_have_a_page_for_superusers(boss, seller):
    address = reverse("admin:massmail_massmailsettings_changelist")
    client = browser(boss)
    form = client.get(address, follow=True).context["adminform"].form

    given = {
        name: "" if value is None else value for name, value in form.initial.items()
    }
    client.post(
        page(models.MassmailSettings.load()), given | {"postal_address": "Utrecht"}
    )

    assert models.MassmailSettings.load().postal_address == "Utrecht"
    assert browser(seller).get(address).status_code == 403


def test_a_test_goes_to_oneself(seller, account, message, people, server):
    address = page(message, "test")
    client = browser(seller)

    assert "anna@example.com" in client.get(address).content.decode()
    client.post(address, {"account": account.pk, "to_me": "on"})
    call_command("send_queue", "--once")

    assert [one.rcpt for one in server.accepted] == ["anna@example.com"]


def test_an_alert_reaches_the_mailbox_of_its_reader(seller, account, server):
    models.Alert.objects.create(
        cause="x", recipient=seller, text="Look at this.", raised_at=NOW
    )

    assert mail_alerts(timezone.now()) == 1
    call_command("send_queue", "--once")

    assert [one.rcpt for one in server.accepted] == ["anna@example.com"]


def test_a_file_of_opt_outs_says_who_brought_it(boss):
    address = page(models.SuppressedAddress, "import")
    file = SimpleUploadedFile("list.csv", b"zoe@example.org")

    browser(boss).post(address, {"file": file, "reason": "opted_out"})

    assert models.SuppressedAddress.objects.get().by == boss


def test_people_are_put_on_a_target_list(seller, people):
    target_list = models.TargetList.objects.create(owner=seller, name="all")
    answer = ticked(people, "add_to_target_list") | {"list": target_list.pk, "add": "1"}

    browser(seller).post(page(Person, "changelist"), answer)

    assert set(target_list.members.values_list("by", flat=True)) <= {seller.pk}


def test_massmail_leaves_the_admin_of_others_alone():
    assert admin.site.is_registered(Person)
    assert not apps.is_installed("crm")
