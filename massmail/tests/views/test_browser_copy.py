"""The mail in the browser: for its reader, for a while."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from massmail import tokens
from massmail.models import Delivery, MassmailSettings
from massmail.recipients import registry
from massmail.tests.factories import DeliveryFactory, EmlMessageFactory
from massmail.tests.hostapp.models import Customer

pytestmark = pytest.mark.django_db
HTML = (
    "<p style='color:#123456'>Dear {{ first_name|default:'reader' }}, news.</p>"
    '<p><a href="https://example.com/x">More</a>'
    ' <a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>'
)


@pytest.fixture(autouse=True)
def settings_row():
    MassmailSettings(postal_address="1 Main Street", view_days=30).save()


@pytest.fixture
def client() -> Client:
    return Client()


def sent(content: str = HTML, text: str = "", **fields) -> Delivery:
    message = EmlMessageFactory(content=content, text=text)
    return DeliveryFactory(
        mailing__message=message,
        recipient__name="Zoe Quagga",
        **{"status": "sent", "sent_at": timezone.now()} | fields,
    )


def url_of(delivery: Delivery, page: str = "view", key: str = "") -> str:
    token = tokens.make(
        page, delivery_id=delivery.pk, address_key=key or delivery.address_key
    )
    return reverse("massmail_public:view", args=[token])


def test_its_reader_sees_the_whole_mail(client):
    delivery = sent()

    response = client.get(url_of(delivery))

    body = response.content.decode()
    assert response.status_code == 200
    assert "Dear Zoe Quagga, news." in body
    assert "1 Main Street" in body
    token = body.partition("https://news.example.com/news/u/")[2].partition('"')[0]
    assert tokens.read("unsubscribe", token).delivery_id == delivery.pk


def test_it_can_neither_run_nor_be_framed_nor_be_kept(client):
    response = client.get(url_of(sent()))

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-forms" not in policy
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert not response.cookies


@pytest.mark.parametrize(
    "changes", [{"address": ""}, {"address_key": "0" * 32}], ids=["erased", "another's"]
)
def test_nobody_else_sees_what_was_personal(client, changes):
    delivery = sent()
    url = url_of(delivery)
    Delivery.objects.update(**changes)

    body = client.get(url).content.decode()

    assert "Dear reader, news." in body
    assert "Quagga" not in body
    assert "/news/u/preview" in body


def test_a_deleted_record_leaves_the_mail_and_the_link_to_unsubscribe(client):
    delivery = sent()
    Customer.objects.all().delete()

    body = client.get(url_of(delivery)).content.decode()

    assert "Dear reader, news." in body
    assert "/news/u/preview" not in body


def test_a_host_that_no_longer_offers_such_recipients_stops_nothing(
    client, monkeypatch
):
    delivery = sent()
    monkeypatch.setattr(registry, "_sources", {})

    assert "Dear reader, news." in client.get(url_of(delivery)).content.decode()


@pytest.mark.parametrize("days", [0, 30])
def test_after_its_time_it_is_gone(client, days):
    MassmailSettings.objects.update(view_days=days)
    delivery = sent(sent_at=timezone.now() - dt.timedelta(days=days))

    response = client.get(url_of(delivery))

    assert response.status_code == 404
    assert "This page is no longer here" in response.content.decode()


def test_what_was_never_handed_over_cannot_be_read(client):
    assert client.get(url_of(sent(status="queued", sent_at=None))).status_code == 404


@pytest.mark.parametrize("page", ["unsubscribe", "click", "open"])
def test_a_token_of_another_page_opens_nothing(client, page):
    gone = client.get(reverse("massmail_public:view", args=["x"]))
    response = client.get(url_of(sent(), page))

    assert response.status_code == gone.status_code == 404
    assert "news." not in response.content.decode()


def test_plain_text_is_shown_as_it_is(client):
    delivery = sent(content="", text="Dear reader,\n<b>news</b> https://example.com/x")

    body = client.get(url_of(delivery)).content.decode()

    assert "&lt;b&gt;news&lt;/b&gt;" in body
    assert 'href="https://example.com/x"' in body


def test_links_are_as_in_the_mail(client):
    delivery = sent()
    version = delivery.version
    version.tracks_clicks = version.tracks_opens = True
    version.save()
    code = version.tracked_links.create(position=0, url="https://example.com/x").code

    body = client.get(url_of(delivery)).content.decode()
    assert f"/news/c/{code}/" in body
    assert "<img" not in body


def test_whoever_has_the_record_now_is_not_shown_to_whom_it_was(client):
    delivery = sent()
    Customer.objects.update(name="Bob Successor", email="bob@example.com")

    body = client.get(url_of(delivery)).content.decode()

    assert "Bob" not in body
    assert "Dear reader, news." in body
