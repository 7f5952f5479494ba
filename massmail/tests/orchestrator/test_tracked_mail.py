"""Links and pixel in the mails: as the settings, the mailing and the person want."""

from __future__ import annotations

import email
import re

import pytest
from django.utils.html import escape

from massmail import tokens
from massmail.models import (
    MailingOut,
    MassContact,
    MassmailSettings,
    NamedLink,
    TrackedLink,
)
from massmail.orchestrator.compiling import freeze
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.outgoing import Batch, untracked_ids
from massmail.orchestrator.sender import Sender
from massmail.tests.factories import DeliveryFactory, EmailAccountFactory, UserFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings
from massmail.tracking.links import with_utm
from massmail.tracking.public_links import click_address
from massmail.tracking.responses import Responder, forbid_tracking

HTML = (
    '<p><a href="https://example.com/a?x=1&amp;y=2#top">Read</a>'
    ' <a href="mailto:anna@example.com">Write</a> <a href="tel:+31301234567">Call</a>'
    " <a href=\"https://example.com/{{ first_name|default:'you' }}\">Mine</a>"
    ' <a href="https://example.org/">Visit</a></p>'
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)
pytestmark = pytest.mark.django_db


def launched(content: str = HTML, **fields) -> MailingOut:
    owner = UserFactory()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner, customers=1, content=content)
    MailingOut.objects.filter(pk=mailing.pk).update(**fields)
    return launch(mailing, by=owner)


def copy_of(mailing: MailingOut) -> tuple[str, str]:
    """(HTML, text) as they leave."""
    delivery = mailing.deliveries.get()
    delivery.version_id = mailing.version_id
    delivery.message_id = "<1@example.com>"
    batch = Batch(delivery.email_account, [delivery], None, now=mailing.launched_at)
    message = email.message_from_bytes(batch.next().payload)
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    text, html = (part.get_payload(decode=True).decode() for part in parts)
    return html, text


def targets(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html)


def test_nothing_is_tracked_unless_the_settings_say_so():
    ready_settings()
    mailing = launched()

    html, _text = copy_of(mailing)

    assert escape("https://example.com/a?x=1&y=2#top") in html
    assert "<img" not in html
    assert not TrackedLink.objects.exists()


def test_web_addresses_lead_over_this_site_all_others_stay():
    ready_settings(track_clicks=True)
    mailing = launched()

    html, text = copy_of(mailing)

    links = list(mailing.version.tracked_links.order_by("position"))
    assert [(link.position, link.url) for link in links] == [
        (0, "https://example.com/a?x=1&y=2#top"),
        (4, "https://example.org/"),
    ]
    found = targets(html)
    for link in links:
        start = f"https://news.example.com/news/c/{link.code}/"
        assert found[link.position].startswith(start)
        token = tokens.read("click", found[link.position].removeprefix(start))
        assert token.delivery_id == mailing.deliveries.get().pk
        assert found[link.position] in text
    assert found[1:4] == [
        "mailto:anna@example.com",
        "tel:+31301234567",
        "https://example.com/Customer%200",
    ]
    assert "/news/u/" in found[5]
    assert "<img" not in html


def test_the_pixel_is_the_recipients_own():
    ready_settings(track_opens=True)
    mailing = launched()

    html, text = copy_of(mailing)

    [source] = re.findall(r'<img src="([^"]*)" width="1" height="1" alt="">', html)
    assert source.startswith("https://news.example.com/news/o/")
    token = tokens.read("open", source.rpartition("/")[2])
    assert token.delivery_id == mailing.deliveries.get().pk
    assert "/news/o/" not in text
    assert not TrackedLink.objects.exists()


def test_a_mailing_can_do_without():
    ready_settings(track_clicks=True, track_opens=True)

    html, _text = copy_of(launched(is_tracked=False))

    assert "/news/c/" not in html
    assert "<img" not in html


def test_a_person_can_do_without():
    ready_settings(track_clicks=True, track_opens=True)
    mailing = launched()
    MassContact.objects.update(allows_tracking=False)

    html, _text = copy_of(mailing)

    assert "/news/c/" not in html
    assert "<img" not in html
    assert "https://example.org/" in html


def test_an_objection_holds_for_the_address_in_another_record():
    """The person was deleted and imported anew, or merged into another record."""
    ready_settings(track_clicks=True, track_opens=True)
    before = DeliveryFactory(status="sent")
    forbid_tracking(Responder.of(before.address_key, before))
    Customer.objects.filter(pk=before.object_id).delete()
    mailing = launched()
    assert "/news/c/" in copy_of(mailing)[0]
    mailing.deliveries.update(address=before.address, address_key=before.address_key)
    Customer.objects.update(email=before.address)

    html, _text = copy_of(mailing)

    assert "/news/c/" not in html
    assert "<img" not in html


def test_only_mails_that_are_tracked_cost_a_look_for_objections(
    django_assert_num_queries,
):
    ready_settings()
    plain = launched().deliveries.get()
    ready_settings(track_clicks=True)
    tracked = launched().deliveries.get()

    for row, queries in ((plain, 1), (tracked, 2)):
        row.version_id = row.mailing.version_id
        with django_assert_num_queries(queries):
            assert untracked_ids([row]) == set()


def test_what_was_decided_at_the_launch_holds():
    ready_settings(track_clicks=True)
    mailing = launched()
    MassmailSettings.objects.update(track_clicks=False, track_opens=True)

    html, _text = copy_of(mailing)

    assert "/news/c/" in html
    assert "<img" not in html


def test_utm_parameters_are_added_for_a_campaign_tracked_or_not():
    ready_settings(track_clicks=True)
    mailing = launched(utm_campaign="Spring & sun")
    utm = "utm_source=newsletter&utm_medium=email&utm_campaign=Spring+%26+sun"
    assert mailing.version.utm == utm

    assert "utm_source" not in copy_of(mailing)[0]
    MassContact.objects.update(allows_tracking=False)
    html, _text = copy_of(mailing)

    assert escape(f"https://example.com/a?x=1&y=2&{utm}#top") in html
    assert "utm_source" not in targets(html)[5]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", "https://a.example?utm_source=b&utm_medium=email"),
        (
            "https://a.example/?utm_source=mine#x",
            "https://a.example/?utm_source=mine&utm_medium=email#x",
        ),
        ("https://[a.example/", "https://[a.example/"),
    ],
)
def test_parameters_that_are_there_stay(url, expected):
    assert with_utm(url, "utm_source=b&utm_medium=email") == expected


def test_addresses_stay_below_200_characters():
    host = "https://" + "a" * 100 + ".example.com"
    code = TrackedLink._meta.get_field("code").default()
    token = tokens.make("click", delivery_id=2**63, address_key="f" * 32)

    address = click_address(code, host).replace("{{ click_token }}", token)

    assert len(address) <= 200


def test_a_named_link_is_known_by_its_address():
    settings = ready_settings(track_clicks=True)
    named = NamedLink.objects.create(
        name="Price list",
        slug="prices",
        url="https://example.com/prices",
        owner=UserFactory(),
    )
    address = f"{settings.base_url}/news/l/prices"
    mailing = launched(f'<p><a href="{address}">Prices</a></p>{HTML}')

    link = mailing.version.tracked_links.get(position=0)
    assert (link.named_link, link.name, link.url) == (named, "Price list", address)
    assert f"/news/c/{link.code}/" in copy_of(mailing)[0]


def test_an_address_that_cannot_be_followed_stays_as_it_is():
    ready_settings(track_clicks=True)
    long_address = "https://example.com/" + "a" * 2000
    mailing = launched(f'<p><a href="{long_address}">Long</a></p>{HTML}')

    html, _text = copy_of(mailing)

    assert targets(html)[0] == long_address
    assert [link.position for link in TrackedLink.objects.all()] == [1, 5]


def test_the_view_in_the_browser_is_a_variable():
    ready_settings()
    mailing = launched(f'<p><a href="{{{{ view_url }}}}">Browser</a></p>{HTML}')

    url = targets(copy_of(mailing)[0])[0]

    token = tokens.read("view", url.removeprefix("https://news.example.com/news/v/"))
    assert token.delivery_id == mailing.deliveries.get().pk


def test_the_sender_without_celery_works_off_what_came_in(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "massmail.orchestrator.sender.process_hits",
        lambda **options: seen.append(options) or 0,
    )

    Sender().run(once=True)

    assert len(seen) == 1


def test_a_frozen_message_without_a_mailing_is_not_tracked():
    ready_settings(track_clicks=True, track_opens=True)
    version = freeze(launched().message)

    assert (version.tracks_clicks, version.tracks_opens) == (False, False)
    assert not version.tracked_links.exists()
