"""Pixels and links as mail programs, people and scanners ask for them."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from django.db import DatabaseError, InterfaceError, connection
from django.test import Client
from django.urls import reverse

from massmail import tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassContact,
    NamedLink,
    SuppressedAddress,
    TrackedLink,
    TrackingHit,
)
from massmail.tests.factories import DeliveryFactory, UserFactory
from massmail.tests.sending.test_cost import counted
from massmail.views.tracked import PIXEL

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True, headers={"User-Agent": FIREFOX})


@pytest.fixture
def delivery() -> Delivery:
    return DeliveryFactory(status="sent", mailing__message__subject="News")


@pytest.fixture
def link(delivery) -> TrackedLink:
    return TrackedLink.objects.create(
        version=delivery.version, position=0, url="https://example.com/a?b=c#d"
    )


def token_of(delivery, page: str) -> str:
    return tokens.make(page, delivery_id=delivery.pk, address_key=delivery.address_key)


def address(page: str, delivery, *before: str) -> str:
    return reverse(f"massmail_public:{page}", args=[*before, token_of(delivery, page)])


def named(**fields) -> NamedLink:
    return NamedLink.objects.create(
        **{"name": "Prices", "slug": "prices", "owner": UserFactory()} | fields
    )


def test_the_pixel_is_a_picture_of_which_nothing_is_kept(client, delivery):
    response = client.get(address("open", delivery))

    assert (response.status_code, response.content) == (200, PIXEL)
    assert response["Content-Type"] == "image/gif"
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Length"] == str(len(PIXEL))
    assert not response.cookies
    hit = TrackingHit.objects.get()
    assert (hit.delivery_id, hit.kind, hit.link_id) == (delivery.pk, "opened", None)
    assert (hit.method, hit.user_agent) == ("GET", FIREFOX)


@pytest.mark.parametrize("page", ["click", "unsubscribe", "view"])
def test_the_pixel_looks_the_same_for_every_token(client, delivery, page):
    for token in (token_of(delivery, page), "x", "A" * 54, "a/b", "%00", "é"):
        response = client.get(reverse("massmail_public:open", args=[token]))

        assert (response.status_code, response.content) == (200, PIXEL)
    assert not TrackingHit.objects.exists()


@contextlib.contextmanager
def full_disk(error=DatabaseError):
    """No request can be noted."""

    def execute_or_fail(execute, sql, *args):
        if "INSERT" in sql and TrackingHit._meta.db_table in sql:
            raise error("the disk is full")
        return execute(sql, *args)

    with connection.execute_wrapper(execute_or_fail):
        yield


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_the_pixel_comes_when_the_database_does_not(client, delivery, caplog, error):
    with full_disk(error):
        response = client.get(address("open", delivery))

    assert (response.status_code, response.content) == (200, PIXEL)
    assert "the disk is full" in caplog.text


def test_a_click_leads_where_the_message_did(client, delivery, link):
    response = client.get(address("click", delivery, link.code))

    assert (response.status_code, response["Location"]) == (302, link.url)
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies
    hit = TrackingHit.objects.get()
    assert (hit.delivery_id, hit.kind, hit.link_id) == (
        delivery.pk,
        "clicked",
        link.pk,
    )


def test_a_click_gets_through_when_it_cannot_be_noted(client, delivery, link, caplog):
    with full_disk():
        response = client.get(address("click", delivery, link.code))

    assert (response.status_code, response["Location"]) == (302, link.url)
    assert "the disk is full" in caplog.text


def test_a_pixel_costs_one_statement(client, delivery):
    with counted() as statements:
        client.get(address("open", delivery))

    assert len(statements) == 1, statements
    assert TrackingHit.objects.count() == 1


def test_a_click_costs_two_statements_and_reads_no_message(client, delivery):
    link = TrackedLink.objects.create(
        version=delivery.version, position=0, url="https://x.org", named_link=named()
    )
    NamedLink.objects.update(url="https://example.com/prices")

    with counted() as statements:
        response = client.get(address("click", delivery, link.code))

    assert response["Location"] == "https://example.com/prices"
    assert len(statements) == 2, statements
    assert '"content"' not in statements[0]
    assert TrackingHit.objects.get().link_id == link.pk


@pytest.mark.parametrize("page", ["open", "unsubscribe"])
def test_a_foreign_token_still_leads_there_and_is_not_noted(
    client, delivery, link, page
):
    url = reverse("massmail_public:click", args=[link.code, token_of(delivery, page)])

    assert client.get(url)["Location"] == link.url
    assert not TrackingHit.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/news/c/unknown/x",
        "/news/c/https:%2F%2Fevil.example/x",
        "/news/c/x/https://evil.example",
        "/news/c/x/y?url=https://evil.example&next=https://evil.example",
        "/news/l/unknown",
        "/news/l/https://evil.example",
        "/news/l/a/b",
    ],
)
def test_nothing_leads_to_an_address_that_was_not_in_a_message(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert "Location" not in response
    assert "This page is no longer here" in response.content.decode()
    assert "evil" not in response.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_links_are_only_for_reading(client, delivery, link, method):
    for url in (
        address("open", delivery),
        address("click", delivery, link.code),
        reverse("massmail_public:named_link", args=["prices"]),
    ):
        assert getattr(client, method)(url).status_code == 405
    assert not TrackingHit.objects.exists()


def test_a_named_link_leads_to_its_page_of_today(client, delivery, link):
    link.named_link = named(url="https://example.com/old")
    link.save()
    NamedLink.objects.update(url="https://example.com/new")

    for url in (address("click", delivery, link.code), "/news/l/prices"):
        response = client.get(url)
        assert (response.status_code, response["Location"]) == (
            302,
            "https://example.com/new",
        )
    assert TrackingHit.objects.count() == 1


def test_a_named_link_can_say_something(client, delivery, link):
    link.named_link = named(action="message", message="Thank you.\n\n<b>See</b> you")
    link.save()

    for url in (address("click", delivery, link.code), "/news/l/prices"):
        body = client.get(url).content.decode()
        assert "<p>Thank you.</p>" in body
        assert "&lt;b&gt;See&lt;/b&gt; you" in body
    assert TrackingHit.objects.count() == 1


def test_a_storm_of_scanners_changes_nothing(client, delivery, link):
    """Every link of a mail, GET and HEAD, a thousand times."""
    token = token_of(delivery, "unsubscribe")
    urls = [
        reverse("massmail_public:unsubscribe", args=[token]),
        address("view", delivery),
        address("open", delivery),
        address("click", delivery, link.code),
        reverse("massmail_public:resubscribe", args=[token]),
    ]
    requests = itertools.product(range(100), (client.get, client.head), urls)
    before = Delivery.objects.values().get()

    statuses = {request(url).status_code for _turn, request, url in requests}

    assert statuses <= {200, 302, 404}
    assert Delivery.objects.values().get() == before
    assert not SuppressedAddress.objects.exists()
    assert not MassContact.objects.exists()
    assert not DeliveryEvent.objects.exists()
    assert TrackingHit.objects.count() == 400


@pytest.mark.parametrize(
    "typed", ["prices.", "Prices", "prices%E2%80%9D", "prices/", "prices)"]
)
def test_a_named_link_is_found_as_people_type_and_programs_cut_it(client, typed):
    named(url="https://example.com/prices")

    response = client.get(f"/news/l/{typed}")

    assert response["Location"] == "https://example.com/prices"


@pytest.mark.parametrize(
    "path",
    ["c/%00/x", "c/a%00b/x", "c/a b/x", "l/%00", "l/a%00b", "l/-", "l/%E2%98%83"],
)
def test_an_address_with_anything_in_it_is_a_page_that_is_no_more(client, path):
    response = client.get(f"/news/{path}")

    assert response.status_code == 404
    assert "This page is no longer here" in response.content.decode()
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        (
            "https://anna:pw@bücher.example:8443/?q=ö#ü",
            "https://anna:pw@xn--bcher-kva.example:8443/?q=%C3%B6#%C3%BC",
        ),
        ("https://example.com/ä", "https://example.com/%C3%A4"),
        ("https://☃☃.123/ä", "https://%E2%98%83%E2%98%83.123/%C3%A4"),
    ],
)
def test_a_link_leads_to_a_host_as_headers_name_it(client, delivery, target, location):
    link = TrackedLink.objects.create(version=delivery.version, position=0, url=target)
    named(url=target)

    assert client.get("/news/l/prices")["Location"] == location
    response = client.get(address("click", delivery, link.code))
    assert response["Location"] == location
