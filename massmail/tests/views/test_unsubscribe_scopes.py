"""The recipients' page of a mailing that was made from lists."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from massmail import tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassContact,
    MassmailSettings,
    SuppressedAddress,
    TargetList,
)
from massmail.tests.factories import NOW, DeliveryFactory, TargetListFactory

pytestmark = pytest.mark.django_db
ZOE = "zoe@example.com"
LEAVE, RETURN = {"confirm": "unsubscribe"}, {"confirm": "subscribe"}
LISTS, ALL = {"scope": "lists"}, {"scope": "all"}


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def news() -> TargetList:
    return TargetListFactory(name="hot leads", public_name="News & <more>")


@pytest.fixture
def delivery(news) -> Delivery:
    row = DeliveryFactory(status="sent", recipient__email=ZOE)
    row.mailing.target_lists.add(news)
    return row


@pytest.fixture
def url(delivery) -> str:
    token = tokens.make(
        "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
    )
    return reverse("massmail_public:unsubscribe", args=[token])


def left() -> set[int | None]:
    return set(SuppressedAddress.objects.values_list("target_list", flat=True))


def radios(response) -> list[str]:
    return re.findall(r'<input type="radio"[^>]*>', response.text)


def test_the_list_is_chosen_unless_the_reader_says_all(client, url):
    response = client.get(url)

    assert [("checked" in radio) for radio in radios(response)] == [True, False]
    assert "only “News &amp; &lt;more&gt;”" in response.text
    assert "hot leads" not in response.text
    assert response.text.count("<button") == 1
    assert "<script" not in response.text
    assert len(response.content) < 50_000


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_reading_changes_nothing(client, url, method):
    getattr(client, method)(f"{url}?scope=lists&confirm=unsubscribe")

    assert left() == set()
    assert not (MassContact.objects.exists() or DeliveryEvent.objects.exists())


@pytest.mark.parametrize("fields", [{"public_name": ""}, {"retired_at": NOW}])
def test_without_a_list_to_name_there_is_no_choice(client, url, news, fields):
    TargetList.objects.filter(pk=news.pk).update(**fields)

    response = client.get(url)

    assert radios(response) == []
    assert "hot leads" not in response.text


def test_the_list_is_left_alone(client, url, news):
    response = client.post(url, LEAVE | LISTS | {"reason": "too_many"}, follow=True)

    assert response.redirect_chain == [("/news/unsubscribed/?done=lists", 303)]
    assert "Our other mailings may still reach you." in response.text
    assert left() == {news.pk}
    assert DeliveryEvent.objects.get().detail == "too_many"


@pytest.mark.parametrize("scope", [ALL, {}, {"scope": ""}, {"scope": "x"}])
def test_everything_else_leaves_all(client, url, scope):
    response = client.post(url, LEAVE | scope)

    assert response["Location"] == "/news/unsubscribed/"
    assert left() == {None}


def test_one_click_leaves_all_also_with_a_field_of_the_page(client, url):
    client.post(url, {"List-Unsubscribe": "One-Click"} | LISTS)

    assert left() == {None}


def test_the_companys_page_comes_after_both(client, url):
    MassmailSettings(unsubscribe_redirect_url="https://example.com/bye").save()

    response = client.post(url, LEAVE | LISTS)

    assert response["Location"] == "https://example.com/bye"


def test_who_has_left_the_list_can_leave_the_rest(client, url, news):
    client.post(url, LEAVE | LISTS)

    response = client.get(url)

    assert "You are unsubscribed from “News &amp; &lt;more&gt;”" in response.text
    assert response.text.count("<form") == 2
    client.post(url, LEAVE | ALL)
    assert left() == {news.pk, None}
    assert "We send no mailings to" in client.get(url).text


def test_the_way_back_to_the_list(client, url, news):
    client.post(url, LEAVE | LISTS)

    client.post(url, RETURN | LISTS)

    assert left() == {news.pk}
    mail = Delivery.objects.get(kind="confirmation")
    [path] = re.findall(r"https://[^/]+(\S+)", mail.version.text)
    page = client.get(path)
    assert "It is only about “News &amp; &lt;more&gt;”." in page.text
    assert left() == {news.pk}
    client.post(path, RETURN)
    assert left() == set()
    assert "You are subscribed again" in client.post(path, RETURN).text


def test_nobody_comes_back_to_a_list_that_was_not_left(client, url):
    client.post(url, RETURN | LISTS)

    assert not Delivery.objects.filter(kind="confirmation").exists()


def test_a_wrong_token_gets_the_answers_of_a_right_one(client, url):
    wrong = url[:-4] + "AAAA"

    shown = client.get(wrong)
    pressed = client.post(wrong, LEAVE | LISTS)

    assert (shown.status_code, radios(shown)) == (200, [])
    assert pressed["Location"] == client.post(url, LEAVE | LISTS)["Location"]


def test_a_list_that_goes_while_the_page_is_open_lets_nobody_be_mailed_on(
    client, url, news
):
    client.get(url)
    news.discard()

    response = client.post(url, LEAVE | LISTS)

    assert response["Location"] == "/news/unsubscribed/"
    assert left() == {None}
