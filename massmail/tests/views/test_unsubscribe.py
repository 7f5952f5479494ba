"""The recipients' page and the one-click POST of mail providers."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from massmail import tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassContact,
    MassmailSettings,
    SuppressedAddress,
)
from massmail.tests.factories import DeliveryFactory
from massmail.tests.sending.test_cost import counted
from massmail.views.limits import MOST_PRESSES

pytestmark = pytest.mark.django_db
URLENCODED = "application/x-www-form-urlencoded"
ONE_CLICK = "List-Unsubscribe=One-Click"
MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    "One-Click\r\n--x--\r\n"
)
CONFIRM = {"confirm": "unsubscribe"}
# The host's own UPDATE among them. PostgreSQL does all of massmail's at once.
PER_ONE_CLICK = {"postgresql": 2, "sqlite": 10}


@pytest.fixture
def client() -> Client:
    """Recipients are strangers: no login, no cookies, no CSRF token."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def delivery() -> Delivery:
    return DeliveryFactory(
        status="sent", recipient__email="zoe@example.com", recipient__name="Zoe Quagga"
    )


@pytest.fixture
def url(delivery) -> str:
    return page(
        tokens.make(
            "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
        )
    )


def page(token: str) -> str:
    return reverse("massmail_public:unsubscribe", args=[token])


def opted_out() -> bool:
    return SuppressedAddress.objects.exists()


def nothing_happened() -> bool:
    return not (
        opted_out() or MassContact.objects.exists() or DeliveryEvent.objects.exists()
    )


def test_the_page_shows_the_masked_address_and_one_button(client, url):
    response = client.get(url)

    body = response.content.decode()
    assert response.status_code == 200
    assert "z…@e….com" in body
    assert "zoe@example.com" not in body
    assert "Quagga" not in body
    assert body.count("<button") == 1
    assert "<script" not in body


def test_the_page_names_the_company_and_stays_small(client, url):
    MassmailSettings(company_name="Ĉapelo & Co").save()

    response = client.get(url)

    assert "Ĉapelo &amp; Co" in response.content.decode()
    assert len(response.content) < 50_000
    assert "//" not in response.content.decode().replace("://", "")


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_reading_changes_nothing(client, url, method):
    response = getattr(client, method)(url)

    assert response.status_code == 200
    assert nothing_happened()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_refused(client, url, method):
    assert getattr(client, method)(url).status_code == 405
    assert nothing_happened()


def test_the_button_leads_to_the_companys_page(client, url):
    MassmailSettings(
        unsubscribe_redirect_url="https://example.com/bye?from=mail"
    ).save()

    response = client.post(url, CONFIRM)

    assert response.status_code == 303
    assert response["Location"] == "https://example.com/bye?from=mail"
    assert opted_out()


def test_without_a_companys_page_the_button_leads_to_ours(client, url):
    response = client.post(url, CONFIRM, follow=True)

    assert response.redirect_chain == [("/news/unsubscribed/", 303)]
    assert response.status_code == 200
    assert "You are unsubscribed" in response.content.decode()
    assert opted_out()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, URLENCODED),
        (ONE_CLICK, f"{URLENCODED}; charset=utf-8"),
        (ONE_CLICK, f"{URLENCODED}; charset=US-ASCII"),
        (ONE_CLICK, f"{URLENCODED}; charset=ISO-8859-1"),
        (f"{ONE_CLICK}\r\n", URLENCODED),
        (MULTIPART, "multipart/form-data; boundary=x"),
        (MULTIPART, 'multipart/form-data; boundary="x"; charset=unheard-of'),
        (MULTIPART.replace("\r\n", "\n"), "multipart/form-data; boundary=x"),
        (MULTIPART.replace("Click", "Click\r\n"), "multipart/form-data; boundary=x"),
    ],
    ids=[
        "urlencoded",
        "with charset",
        "ASCII",
        "Latin 1",
        "with line break",
        "multipart",
        "multipart with charset",
        "bare line feeds",
        "one line feed too many",
    ],
)
def test_one_click_opts_out_without_redirect_or_cookie(client, url, body, content_type):
    MassmailSettings(unsubscribe_redirect_url="https://example.com/bye").save()

    for _again in range(2):
        response = client.generic("POST", url, body, content_type)

        assert response.status_code == 200
        assert "Location" not in response
        assert not response.cookies
    assert SuppressedAddress.objects.count() == 1
    assert DeliveryEvent.objects.count() == 1


def test_one_click_may_come_in_chunks_without_a_length(client, url):
    """As a server hands it on that reads chunks to their end (gunicorn)."""
    response = client.generic(
        "POST",
        url,
        **{
            "CONTENT_TYPE": URLENCODED,
            "CONTENT_LENGTH": "",
            "wsgi.input": BytesIO(ONE_CLICK.encode()),
            "wsgi.input_terminated": True,
        },
    )

    assert response.status_code == 200
    assert opted_out()


@pytest.mark.parametrize("behind", [".", "/", "%3E", ")", "%E2%80%9D"])
def test_a_link_that_took_along_what_follows_it_works(client, url, behind):
    response = client.post(url + behind, ONE_CLICK, content_type=URLENCODED)

    assert response.status_code == 200
    assert opted_out()


def test_a_file_is_not_even_read(client, url):
    upload = SimpleUploadedFile("film.mp4", b"x" * 70_000)

    response = client.post(url, {"List-Unsubscribe": "One-Click", "file": upload})

    assert response.status_code == 400
    assert nothing_happened()


def test_a_line_that_breaks_is_a_bad_request(client, url):
    class Broken(BytesIO):
        def read(self, *_size):
            raise OSError("connection reset")

    response = client.generic(
        "POST",
        url,
        **{
            "CONTENT_TYPE": URLENCODED,
            "CONTENT_LENGTH": "26",
            "wsgi.input": Broken(),
        },
    )

    assert response.status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize("token", ["", "forged"])
def test_who_presses_a_button_all_day_has_to_wait(client, url, token):
    url = page(token) if token else url
    answers = [client.post(url, CONFIRM).status_code for _press in range(25)]

    refused = client.post(url, CONFIRM)
    assert answers == [303] * MOST_PRESSES + [429] * 5
    assert (refused["Retry-After"], refused["Cache-Control"]) == ("60", "no-store")
    assert client.get(url).status_code == 200


def test_a_burst_of_one_click_requests_is_never_refused(client, url):
    for _press in range(25):
        client.post(url, CONFIRM)
    SuppressedAddress.objects.all().delete()

    answers = {
        client.post(url, ONE_CLICK, content_type=URLENCODED).status_code
        for _request in range(60)
    }

    assert answers == {200}
    assert opted_out()


def test_a_cache_that_is_away_costs_nobody_the_opt_out(
    client, url, monkeypatch, caplog
):
    def away(*_args):
        raise ConnectionError("no cache here")

    monkeypatch.setattr(cache, "add", away)

    assert client.post(url, CONFIRM).status_code == 303
    assert opted_out()
    assert "no cache here" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_one_click_costs_few_statements(client, url):
    with counted() as statements:
        response = client.post(url, {"List-Unsubscribe": "One-Click"})

    assert response.status_code == 200
    assert opted_out()
    assert len(statements) <= PER_ONE_CLICK[connection.vendor], statements


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", URLENCODED),
        ("List-Unsubscribe=Two-Click", URLENCODED),
        ("list-unsubscribe=One-Click", URLENCODED),
        ("confirm=", URLENCODED),
        (ONE_CLICK, "text/plain"),
        (ONE_CLICK, f"{URLENCODED}; charset=utf-16"),
        ("--y", "multipart/form-data"),
        ("&".join(f"a{number}=1" for number in range(2000)), URLENCODED),
        ("x" * 3_000_000, URLENCODED),
        (b"\xff\x00", URLENCODED),
    ],
    ids=[
        "empty",
        "other value",
        "other name",
        "blank field",
        "plain text",
        "other charset",
        "broken multipart",
        "too many fields",
        "too long",
        "binary",
    ],
)
def test_a_post_that_asks_for_nothing_known_is_refused(client, url, body, content_type):
    response = client.post(url, body, content_type=content_type)

    assert response.status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize(
    "token",
    ["x", "A" * 54, "%00", "A" * 10_000, "a/b/c", "%C3%A9", "../../login"],
)
def test_a_wrong_token_gets_the_same_answers_without_an_address(
    client, delivery, token
):
    url = f"/news/u/{token}"

    shown = client.get(url)
    pressed = client.post(url, CONFIRM)
    one_click = client.post(url, ONE_CLICK, content_type=URLENCODED)

    assert shown.status_code == 200
    assert shown.content.count(b"<button") == 1
    assert b"<bdi>" not in shown.content
    assert (pressed.status_code, one_click.status_code) == (303, 200)
    assert nothing_happened()


def test_a_query_of_any_form_is_ignored(client, url):
    response = client.get(f"{url}?a=%00&b={'x' * 10_000}&confirm=unsubscribe")

    assert response.status_code == 200
    assert nothing_happened()


def test_an_address_with_markup_is_text(client, delivery, url):
    Delivery.objects.filter(pk=delivery.pk).update(address="<b>@<i>.<u>")

    body = client.get(url).content.decode()

    assert "&lt;…@&lt;….&lt;u&gt;" in body


def test_an_erased_address_leaves_a_page_that_works(client, delivery, url):
    Delivery.objects.filter(pk=delivery.pk).update(address="")

    assert b"<bdi>" not in client.get(url).content
    client.post(url, CONFIRM)
    assert opted_out()


def answers(client: Client, url: str) -> list:
    return [
        client.get(url),
        client.head(url),
        client.options(url),
        client.put(url),
        client.post(url, {}),
        client.post(url, CONFIRM),
        client.post(url, ONE_CLICK, content_type=URLENCODED),
        client.get(reverse("massmail_public:unsubscribed")),
    ]


def test_every_answer_keeps_the_link_private(client, url):
    for response in answers(client, url):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert response["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")


def test_a_session_of_a_colleague_is_neither_needed_nor_touched(admin_client, url):
    response = admin_client.get(url)

    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


def test_the_style_sheet_is_allowed_by_its_nonce_alone(client, url):
    first, second = client.get(url), client.get(url)

    nonce = first["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
    assert f'<style nonce="{nonce}">' in first.content.decode()
    assert nonce not in second["Content-Security-Policy"]
    assert "style=" not in first.content.decode()


@pytest.mark.parametrize(
    ("redirect_url", "targets"),
    [
        ("", "form-action 'self';"),
        ("https://example.com/bye", "form-action 'self' https:;"),
        (
            "http://127.0.0.1:8000/bye",
            "form-action 'self' https: http://127.0.0.1:8000;",
        ),
    ],
)
def test_the_browser_may_follow_to_the_companys_page(
    client, url, redirect_url, targets
):
    MassmailSettings(unsubscribe_redirect_url=redirect_url).save()

    assert targets in client.get(url)["Content-Security-Policy"]


def test_the_page_speaks_the_readers_language(client, url):
    response = client.get(url, headers={"accept-language": "de"})

    assert '<html lang="de" dir="ltr">' in response.content.decode()


@override_settings(ROOT_URLCONF="settings.public_urls")
def test_the_pages_work_under_a_host_of_their_own(client, url):
    assert client.get(url).status_code == 200
    assert client.post(url, CONFIRM, follow=True).status_code == 200
    assert client.get("/").status_code == 404
    assert opted_out()
