"""The launch page says what will happen, and does just that."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from massmail.forms.launch import LaunchForm
from massmail.models import EmailAccount, EmlMessage, MailingOut, MassmailSettings
from massmail.orchestrator import launch_plan, lifecycle
from massmail.tests.factories import (
    EmailAccountFactory,
    EmlMessageFactory,
    MailingOutFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings, states
from massmail.tests.site.conftest import page

NO_POSTAL = '<p>Hello</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


@pytest.fixture
def ready(owner):
    ready_settings()
    EmailAccountFactory(owner=owner, name="News")
    return draft(owner)


def launch(client, mailing, **data):
    answer = {"start_at": "", "expires_at": "", "override_reason": ""}
    return client.post(page(mailing, "launch"), answer | data)


def picker(moment):
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def unchanged(mailing):
    mailing.refresh_from_db()
    return mailing.is_draft and mailing.version is None


def test_a_get_only_tells(browser, owner, ready):
    response = browser(owner).get(page(ready, "launch"))

    html = response.content.decode()
    assert "<strong>3</strong>" in html
    assert "Launch to 3 recipients" in html
    assert "News" in html
    assert unchanged(ready)


def test_a_launch_tells_how_many_are_mailed(browser, owner, ready):
    Customer.objects.filter(name="Customer 0").update(accepts_mailings=False)

    response = launch(browser(owner), ready)

    assert response["Location"] == page(ready)
    [text] = get_messages(response.wsgi_request)
    assert str(text) == (
        "Launched: 2 recipients will be mailed. 1 will not be; the reason is below."
    )
    ready.refresh_from_db()
    assert ready.status == MailingOut.Status.ACTIVE
    assert states(ready) == {"queued": 2, "skipped": 1}


def test_who_opted_out_meanwhile_is_told_before(browser, owner, ready):
    Customer.objects.filter(name="Customer 0").update(accepts_mailings=False)

    shown = browser(owner).get(page(ready, "launch")).context

    assert shown["plan"].to_mail == 2
    assert shown["skips"] == [{"words": "opted out", "reason": "opted_out", "count": 1}]


def test_recipients_without_a_value_are_named(browser, owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, content=EmlMessageFactory.build().content + "{{ city }}")
    Customer.objects.filter(name="Customer 1").update(city="Utrecht")

    response = browser(owner).get(page(mailing, "launch"))

    assert response.context["plan"].to_mail == 1
    assert [
        (item["name"], item["missing"]) for item in response.context["incomplete"]
    ] == [("Customer 0", "city"), ("Customer 2", "city")]


def test_all_recipients_without_a_value_are_in_a_file(browser, owner, monkeypatch):
    monkeypatch.setattr(launch_plan, "CHUNK", 2)
    ready_settings()
    content = EmlMessageFactory.build().content + "{{ city }}"
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, content=content, customers=4)
    Customer.objects.filter(name="Customer 1").update(city="Utrecht")
    mailing.deliveries.filter(name="Customer 0").update(name="=1+1")
    client = browser(owner)

    page_html = client.get(page(mailing, "launch")).content.decode()
    file = client.get(page(mailing, "missing"))

    assert page(mailing, "missing") in page_html
    lines = file.getvalue().decode("utf-8-sig").splitlines()
    assert [line.split(",")[0::2] for line in lines] == [
        ["name", "missing"],
        ["'=1+1", "city"],
        ["Customer 2", "city"],
        ["Customer 3", "city"],
    ]


def test_the_file_is_for_who_may_launch(browser, owner, ready):
    stranger = browser(UserFactory(is_staff=True))

    assert stranger.get(page(ready, "missing")).status_code in (403, 404)


def test_a_broken_message_has_no_file(browser, owner, ready):
    EmlMessage.objects.update(content="{% nonsense %}")

    response = browser(owner).get(page(ready, "missing"))

    assert response.url == page(ready, "launch")


def test_the_schedule_is_kept(browser, owner, ready):
    start = timezone.now().replace(second=0, microsecond=0) + dt.timedelta(days=1)
    end = start + dt.timedelta(days=1)

    launch(browser(owner), ready, start_at=picker(start), expires_at=picker(end))

    ready.refresh_from_db()
    assert (ready.start_at, ready.expires_at) == (start, end)
    assert ready.status == MailingOut.Status.ACTIVE


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (-1, None, "start_at"),
        (None, -1, "expires_at"),
        (2, 1, "expires_at"),
        ("nonsense", None, "start_at"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(browser, owner, ready, start, end, field):
    def text(days):
        if not isinstance(days, int):
            return days or ""
        return picker(timezone.now() + dt.timedelta(days=days))

    response = launch(browser(owner), ready, start_at=text(start), expires_at=text(end))

    assert list(response.context["form"].errors) == [field]
    assert "It was not launched. Please correct what is marked below." in response.text
    assert unchanged(ready)
    assert ready.start_at is None


def test_a_finding_stands_in_the_way_with_its_remedy(browser, owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, content=NO_POSTAL)
    client = browser(owner)

    shown = client.get(page(mailing, "launch"))
    response = launch(client, mailing)

    assert "Write {{ postal_address }} at the end" in shown.content.decode()
    assert not shown.context["asks_reason"]
    [error] = response.context["form"].non_field_errors()
    assert "{{ postal_address }}" in error
    assert unchanged(mailing)


def test_who_may_override_gives_a_reason_that_is_kept(browser, owner, superuser):
    ready_settings()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, content=NO_POSTAL)
    client = browser(superuser)

    shown = client.get(page(mailing, "launch"))
    refused = launch(client, mailing)
    assert shown.context["asks_reason"]
    assert refused.context["form"].non_field_errors()
    assert unchanged(mailing)
    launch(client, mailing, override_reason="In the picture.")

    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.ACTIVE
    assert mailing.override_reason == "In the picture."


def test_the_unsubscribe_link_cannot_be_overridden(browser, superuser, owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, content="<p>Hello {{ postal_address }}</p>")
    client = browser(superuser)

    assert not client.get(page(mailing, "launch")).context["asks_reason"]
    launch(client, mailing, override_reason="It must go.")

    assert unchanged(mailing)


def test_a_message_with_a_mistake_is_shown_with_its_place(browser, owner, ready):
    ready.message.content = "<p>\n{% nonsense %}</p>"
    ready.message.save()
    client = browser(owner)

    html = client.get(page(ready, "launch")).content.decode()
    response = launch(client, ready)

    assert "HTML: Line 2, column 1" in html
    assert response.status_code == 200
    assert unchanged(ready)


def test_a_variable_that_these_recipients_lack_is_told_with_those_they_have(
    browser, owner, ready
):
    ready.message.subject = "To {{ company }}"
    ready.message.save()

    html = browser(owner).get(page(ready, "launch")).text

    assert "The message uses {{ company }}, but there is no such variable" in html
    assert "There are: born, city, first_name." in html


@pytest.mark.parametrize("lacking", ["account", "recipients", "postal address"])
def test_what_is_missing_is_said_and_nothing_launched(browser, owner, ready, lacking):
    if lacking == "account":
        EmailAccount.objects.all().delete()
    elif lacking == "recipients":
        Customer.objects.update(disqualified=True)
    else:
        MassmailSettings.objects.update(postal_address="")
    client = browser(owner)

    shown = client.get(page(ready, "launch"))
    response = launch(client, ready)

    assert not shown.context["is_possible"]
    assert "mm-blocking" in shown.content.decode()
    assert response.context["form"].non_field_errors()
    assert unchanged(ready)


def test_two_clicks_launch_once(browser, owner, ready):
    client = browser(owner)
    launch(client, ready)
    ready.refresh_from_db()
    launched_at = ready.launched_at

    response = launch(
        client, ready, expires_at=picker(timezone.now() + dt.timedelta(1))
    )

    assert response["Location"] == page(ready)
    ready.refresh_from_db()
    assert (ready.launched_at, ready.expires_at) == (launched_at, None)


def test_a_launch_by_somebody_else_in_between_is_harmless(
    browser, owner, ready, monkeypatch
):
    """It comes after this one's page was checked and before its schedule is saved."""
    full_clean = LaunchForm.full_clean

    def launched_meanwhile(form):
        full_clean(form)
        if MailingOut.objects.get(pk=ready.pk).is_draft:
            lifecycle.launch(MailingOut.objects.get(pk=ready.pk), by=owner)

    monkeypatch.setattr(LaunchForm, "full_clean", launched_meanwhile)
    later = picker(timezone.now() + dt.timedelta(days=1))

    response = launch(browser(owner), ready, start_at=later)

    [text] = get_messages(response.wsgi_request)
    assert str(text) == "The mailing has been launched already."
    ready.refresh_from_db()
    assert ready.start_at is None


def test_the_page_waits_for_the_recipients(browser, owner):
    mailing = MailingOutFactory(owner=owner, prepared_at=None)
    client = browser(owner)

    for response in (client.get(page(mailing, "launch")), launch(client, mailing)):
        assert response["Location"] == page(mailing)
    assert unchanged(mailing)
