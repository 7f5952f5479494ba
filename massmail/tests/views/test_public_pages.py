"""What all pages for recipients share: languages, the company's look, size."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

import massmail
from massmail import tokens
from massmail.models import (
    Delivery,
    MassContact,
    MassmailSettings,
    NamedLink,
    SuppressedAddress,
)
from massmail.orchestrator.confirming import ask_to_confirm
from massmail.recipients.registry import source_of
from massmail.tests.factories import DeliveryFactory, EmailAccountFactory, UserFactory
from massmail.tests.hostapp.models import Customer
from massmail.tracking.leaving_reasons import LeavingReason
from massmail.tracking.responses import responder, unsubscribe
from massmail.views.look import contrast, luminance, readable_on

pytestmark = pytest.mark.django_db
TEMPLATES = Path(massmail.__file__).parent / "templates" / "massmail" / "public"
LANGUAGES = [code for code, _name in site_settings.LANGUAGES if code != "en"]
HEADINGS = {
    "en": "Unsubscribe from our mailings?",
    "ru": "Отписаться от нашей рассылки?",
    "de": "Von unseren Rundmails abmelden?",
    "fr": "Se désabonner de nos envois ?",
    "es": "¿Darse de baja de nuestros envíos?",
    "uk": "Відписатися від нашої розсилки?",
}


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def delivery():
    return DeliveryFactory(status="sent", recipient__email="zoe@example.com")


def page(delivery, name: str = "unsubscribe") -> str:
    token = tokens.make(name, delivery_id=delivery.pk, address_key=delivery.address_key)
    return reverse(f"massmail_public:{name}", args=[token])


def all_pages(client: Client, delivery) -> dict[str, object]:
    """Every page that a recipient can come to, by name."""
    NamedLink.objects.create(
        name="Thanks",
        slug="thanks",
        action="message",
        message="See you",
        owner=UserFactory(),
    )
    found = {"unsubscribe": client.get(page(delivery))}
    unsubscribe(page(delivery).rpartition("/")[2], now=timezone.now())
    found["left"] = client.get(page(delivery))
    ask_to_confirm(responder(page(delivery).rpartition("/")[2]), now=timezone.now())
    mail = Delivery.objects.get(kind="confirmation")
    done = reverse("massmail_public:unsubscribed")
    return found | {
        "done": client.get(done),
        "untracked": client.get(f"{done}?done=untracked"),
        "asked": client.get(f"{done}?done=asked"),
        "resubscribe": client.get(page(mail, "resubscribe")),
        "resubscribed": client.post(
            page(mail, "resubscribe"), {"confirm": "subscribe"}
        ),
        "used": client.get(page(mail, "resubscribe")),
        "gone": client.get(reverse("massmail_public:view", args=["x"])),
        "named link": client.get("/news/l/thanks"),
    }


def test_every_page_is_small_private_and_complete(client, delivery):
    MassmailSettings(
        company_name="Example Ltd",
        logo=b"\x89PNG" + b"0" * 29_996,
        logo_type="image/png",
        brand_color="#0a7d4f",
        track_opens=True,
    ).save()

    for name, response in all_pages(client, delivery).items():
        body = response.content.decode()
        assert response.status_code == (404 if name == "gone" else 200), name
        assert len(response.content) < 50_000, name
        assert re.findall(r'(?:src|href)="(?!data:)', body) == [], name
        assert "url(" not in body and "@import" not in body and "<script" not in body
        assert not response.cookies, name
        assert "Cookie" not in response.get("Vary", ""), name
        assert response["Cache-Control"] == "no-store", name
        assert response["Referrer-Policy"] == "no-referrer", name
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, name
        assert "img-src data:" in policy, name
        assert body.count("<h1>") == 1 and "<title>" in body, name
        assert "--button: #0a7d4f; --button-text: #ffffff" in body, name
        assert 'alt="Example Ltd"' in body, name
        assert "zoe@example.com" not in body, name


def test_who_confirms_twice_is_not_told_that_it_failed(client, delivery):
    unsubscribe(page(delivery).rpartition("/")[2], now=timezone.now())
    ask_to_confirm(responder(page(delivery).rpartition("/")[2]), now=timezone.now())
    link = page(Delivery.objects.get(kind="confirmation"), "resubscribe")
    press = {"confirm": "subscribe"}

    once, twice = client.post(link, press), client.post(link, press)
    looked = client.get(link)
    unsubscribe(page(delivery).rpartition("/")[2], now=timezone.now())
    left = client.get(link), client.post(link, press)

    for response in (once, twice, looked):
        assert "You are subscribed again" in response.content.decode()
    for response in left:
        assert "This link does not work any more" in response.content.decode()
    assert SuppressedAddress.objects.covers("zoe@example.com")


@pytest.mark.parametrize("language", HEADINGS)
def test_the_browsers_language_is_spoken(client, delivery, language):
    response = client.get(page(delivery), headers={"accept-language": language})

    body = response.content.decode()
    assert f"<h1>{HEADINGS[language]}</h1>" in body
    assert f'<html lang="{language}"' in body
    assert response["Content-Language"] == language


@pytest.mark.parametrize(
    ("stored", "spoken"),
    [("ru", "ru"), ("de-AT", "de"), ("pt_BR", "fr"), ("", "fr"), ("☃", "fr")],
)
def test_the_records_language_comes_first(
    client, delivery, monkeypatch, stored, spoken
):
    monkeypatch.setattr(source_of(Customer), "language", "city", raising=False)
    Customer.objects.update(city=stored)

    shown = client.get(page(delivery), headers={"accept-language": "fr"})
    pressed = client.post(
        page(delivery),
        {"confirm": "unsubscribe"},
        follow=True,
        headers={"accept-language": "fr"},
    )

    assert f'<html lang="{spoken}"' in shown.content.decode()
    assert f'<html lang="{spoken}"' in pressed.content.decode()


def public_strings() -> set[str]:
    """What the templates of the recipients' pages translate."""
    with translation.override("en"):
        found = {str(choice.label) for choice in LeavingReason}
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text(encoding="utf-8")
        found |= set(re.findall(r'{% translate "([^"]+)" %}', text))
        for block in re.findall(
            r"{% blocktranslate trimmed %}(.*?){% endblocktranslate %}", text
        ):
            found.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", block))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_of_the_pages_is_translated(language):
    strings = public_strings()
    assert len(strings) > 30

    with translation.override(language):
        untranslated = {text for text in strings if translation.gettext(text) == text}

    assert untranslated == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_confirmation_mail_is_translated_with_its_link(language, delivery):
    unsubscribe(page(delivery).rpartition("/")[2], now=timezone.now())
    with translation.override(language):
        ask_to_confirm(responder(page(delivery).rpartition("/")[2]), now=timezone.now())

    mail = Delivery.objects.get(kind="confirmation")
    assert "/news/s/" in mail.version.text
    assert " 7 " in f" {mail.version.text} ".replace(".", " ").replace(":", " ")
    assert "Somebody" not in mail.version.text


@pytest.mark.parametrize(
    ("color", "text"),
    [
        ("#ffffff", "#111827"),
        ("#000000", "#ffffff"),
        ("#ffd400", "#111827"),
        ("#1f4e79", "#ffffff"),
        ("#808080", "#111827"),
    ],
)
def test_text_on_the_companys_colour_can_be_read(color, text):
    assert readable_on(color) == text
    assert contrast(luminance(color), luminance(text)) >= 4.4


def test_every_colour_has_a_readable_text():
    steps = range(0, 256, 51)
    colors = [f"#{r:02x}{g:02x}{b:02x}" for r in steps for g in steps for b in steps]

    worst = min(
        contrast(luminance(color), luminance(readable_on(color))) for color in colors
    )
    assert worst >= 4.2


def test_a_reason_is_kept_with_the_event(client, delivery):
    client.post(
        page(delivery),
        {"confirm": "unsubscribe", "reason": "too_many", "words": " Every\nday! "},
    )

    assert delivery.events.get().detail == "too_many: Every day!"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, ""),
        ({"reason": "<b>"}, ""),
        ({"words": "x" * 5000}, "x" * 299 + "…"),
        ({"reason": "other", "words": "\0"}, "other"),
    ],
)
def test_a_reason_may_be_missing_or_strange(client, delivery, fields, detail):
    response = client.post(page(delivery), {"confirm": "unsubscribe", **fields})

    assert response.status_code == 303
    assert delivery.events.get().detail == detail


def test_people_can_stay_without_being_tracked(client, delivery):
    assert b"no-tracking" not in client.get(page(delivery)).content
    MassmailSettings(track_clicks=True).save()
    assert b"no-tracking" in client.get(page(delivery)).content
    MassContact.objects.create(
        content_type=delivery.content_type, object_id=delivery.object_id
    )

    response = client.post(page(delivery), {"confirm": "no-tracking"}, follow=True)

    assert "We no longer note what you read" in response.content.decode()
    person = MassContact.objects.get()
    assert (person.subscribed, person.allows_tracking) == (True, False)
    assert not delivery.events.exists()


def test_the_wish_not_to_be_tracked_is_kept_where_there_is_no_identity(
    client, delivery
):
    MassmailSettings(track_clicks=True).save()
    MassContact.objects.all().delete()

    client.post(page(delivery), {"confirm": "no-tracking"})

    person = MassContact.objects.get()
    assert (person.subscribed, person.allows_tracking) == (True, False)
    assert person.object_id == delivery.object_id


def test_who_has_left_is_offered_the_way_back(client, delivery):
    client.post(page(delivery), {"confirm": "unsubscribe"})

    body = client.get(page(delivery)).content.decode()
    assert "You are unsubscribed" in body
    response = client.post(page(delivery), {"confirm": "subscribe"}, follow=True)

    assert "Look into your mailbox" in response.content.decode()
    assert Delivery.objects.filter(kind="confirmation").count() == 1


@pytest.mark.parametrize("token", ["x", "A" * 54])
def test_a_forged_token_gets_the_same_answer_and_no_mail_leaves(client, token):
    url = reverse("massmail_public:unsubscribe", args=[token])

    for field, outcome in (("subscribe", "asked"), ("no-tracking", "untracked")):
        response = client.post(url, {"confirm": field})
        assert (response.status_code, response["Location"]) == (
            303,
            f"/news/unsubscribed/?done={outcome}",
        )
    assert not MassContact.objects.exists()


def test_who_has_not_left_is_not_asked_back(client, delivery):
    client.post(page(delivery), {"confirm": "subscribe"})

    assert not Delivery.objects.filter(kind="confirmation").exists()


def test_the_link_still_works_after_all_that_happens_in_years(
    client, delivery, settings
):
    """Another secret key, a new account, the record merged into another one."""
    url = page(delivery)
    Delivery.objects.update(email_account=EmailAccountFactory())
    Customer.objects.all().delete()
    settings.SECRET_KEY = "another" * 10
    settings.FIELD_ENCRYPTION_KEYS = ["dGVzdC1vbmx5LWtleS0zMi1ieXRlcy1sb25nPz8/Pz8="]

    response = client.post(
        url, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    )

    assert response.status_code == 200
    assert delivery.events.get().kind == "unsubscribed"


def test_a_burst_of_valid_one_clicks_is_never_refused(client):
    """A provider sends all its users' requests from a few addresses."""
    deliveries = DeliveryFactory.create_batch(5, status="sent")
    statuses = {
        client.post(
            page(delivery),
            "List-Unsubscribe=One-Click",
            "application/x-www-form-urlencoded",
        ).status_code
        for _again in range(20)
        for delivery in deliveries
    }

    assert statuses == {200}
