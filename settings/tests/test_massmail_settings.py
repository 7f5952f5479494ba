"""Home › Settings › Massmail Settings."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from massmail.models import Heartbeat, MassmailSettings
from massmail.tests.factories import (
    DeliveryFactory,
    MailingOutFactory,
    SuperuserFactory,
    UserFactory,
)

FORM = "/settings/massmailsettings/1/change/"
LIST = "/settings/massmailsettings/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(SuperuserFactory(), "django.contrib.auth.backends.ModelBackend")
    return client


def posted(**changes: object) -> dict[str, object]:
    return {
        "emails_per_day": 200,
        "business_days": ["0", "4"],
        "business_time_start": "09:00",
        "business_time_end": "17:00",
        **changes,
    }


def errors(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


def test_the_menu_opens_the_form_at_once(client):
    response = client.get(LIST, follow=True)

    assert response.redirect_chain == [(FORM, 302)]
    assert response.status_code == 200
    assert response.context["adminform"].form["emails_per_day"].value() == 94


def test_reading_the_form_stores_nothing(client):
    client.get(FORM)

    assert not MassmailSettings.objects.exists()


def test_the_first_save_makes_the_row_and_later_ones_change_it(client):
    assert client.post(FORM, posted()).status_code == 302
    assert client.post(FORM, posted(emails_per_day=300)).status_code == 302

    row = MassmailSettings.objects.get()
    assert row.pk == 1
    assert row.emails_per_day == 300
    assert row.business_days == [0, 4]


def test_days_off_are_one_per_line(client):
    client.post(FORM, posted(extra_holidays=" 2027-12-24\n\n2027-05-14\r\n2027-05-14"))

    assert MassmailSettings.load().extra_holidays == ["2027-05-14", "2027-12-24"]
    body = client.get(FORM).content.decode()
    assert "2027-05-14\n2027-12-24</textarea>" in body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"business_days": []}, "business_days"),
        ({"business_days": ["7"]}, "business_days"),
        ({"extra_holidays": "Christmas"}, "extra_holidays"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"holiday_calendar": "XX"}, "holiday_calendar"),
        ({"business_time_end": "08:00"}, "business_time_end"),
        ({"emails_per_day": 0}, "emails_per_day"),
        ({"unsubscribe_redirect_url": "ftp://example.com"}, "unsubscribe_redirect_url"),
        ({"unsubscribe_redirect_url": "javascript:x"}, "unsubscribe_redirect_url"),
        ({"public_base_url": "news"}, "public_base_url"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(client, changes, field):
    response = client.post(FORM, posted(**changes))

    assert field in errors(response)
    assert not MassmailSettings.objects.exists()


def test_known_zones_and_calendars_are_accepted(client):
    client.post(FORM, posted(time_zone="Europe/Berlin", holiday_calendar="DE-BY"))

    assert str(MassmailSettings.load().zone) == "Europe/Berlin"


@pytest.mark.parametrize("kind", ["add", "1/delete"])
def test_there_is_nothing_to_add_or_to_delete(client, kind):
    assert client.get(f"{LIST}{kind}/").status_code == 403
    assert client.post(f"{LIST}{kind}/", {"post": "yes"}).status_code == 403


def test_another_row_does_not_exist(client):
    response = client.get(f"{LIST}2/change/")

    assert (response.status_code, response["Location"]) == (302, "/")


def test_the_form_is_for_superusers_whatever_a_group_was_given():
    user = UserFactory()
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    assert client.get(LIST).status_code == 403
    assert client.get(FORM).status_code == 403
    assert client.post(FORM, posted()).status_code == 403
    assert "/settings/" not in client.get("/").content.decode()
    assert not MassmailSettings.objects.exists()


PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("logo.svg", content)


def test_a_logo_is_kept_replaced_and_removed(client):
    client.post(FORM, posted(new_logo=upload(PNG)))
    assert (MassmailSettings.load().logo_type, bytes(MassmailSettings.load().logo)) == (
        "image/png",
        PNG,
    )

    client.post(FORM, posted(new_logo=upload(b"GIF89a" + b"0" * 10)))
    client.post(FORM, posted(emails_per_day=300))
    assert MassmailSettings.load().logo_type == "image/gif"

    client.post(FORM, posted(remove_logo="on"))
    assert (MassmailSettings.load().logo_type, bytes(MassmailSettings.load().logo)) == (
        "",
        b"",
    )


@pytest.mark.parametrize(
    "content", [b"<svg onload='x'/>", b"x", PNG + b"0" * 30_000], ids=len
)
def test_what_is_no_small_picture_is_refused(client, content):
    response = client.post(FORM, posted(new_logo=upload(content)))

    assert "new_logo" in errors(response)
    assert not MassmailSettings.objects.exists()


@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "#12345g", "#fff;}"])
def test_a_colour_has_one_form(client, color):
    assert "brand_color" in errors(client.post(FORM, posted(brand_color=color)))


def test_what_is_left_blank_keeps_its_value(client):
    client.post(FORM, posted(view_days=5, soft_bounce_count=0, utm_source="crm"))
    client.post(FORM, posted(view_days="", soft_bounce_count="", utm_source=""))

    row = MassmailSettings.load()
    assert (row.view_days, row.soft_bounce_count, row.utm_source) == (5, 0, "crm")
    assert (row.soft_bounce_days, row.track_opens, row.track_clicks) == (
        90,
        False,
        False,
    )


def test_it_says_that_the_sender_does_not_run(client):
    html = client.get(FORM).content.decode()

    assert "Is the sender running?" in html
    assert "No: mailings stand still." in html
    assert "never seen" in html


def test_it_says_that_the_sender_runs_and_what_waits(client):
    now = timezone.now()
    for name in ("beat", "worker"):
        Heartbeat.objects.beat(name, now)
    mailing = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, not_before=now)

    response = client.get(FORM)

    assert response.context["sender"].is_running
    assert "1 message waits" in response.content.decode()
