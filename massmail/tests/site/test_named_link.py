"""Named links in the admin, and what came of a mailing on its page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from massmail.models import DeliveryEvent, MessageVersion, NamedLink, TrackedLink
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    SuperuserFactory,
    UserFactory,
)

LIST = "/massmail/namedlink/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__endswith="namedlink"))
    return user


@pytest.fixture
def client(anna) -> Client:
    client = Client()
    client.force_login(anna, "django.contrib.auth.backends.ModelBackend")
    return client


def posted(**changes) -> dict:
    return {
        "name": "Price list",
        "slug": "prices",
        "action": "redirect",
        "url": "https://example.com/prices",
        "message": "",
        **changes,
    }


def test_a_link_is_made_and_shows_its_code(client, anna):
    assert client.post(f"{LIST}add/", posted()).status_code == 302

    link = NamedLink.objects.get()
    assert link.owner == anna
    body = client.get(f"{LIST}{link.pk}/change/").content.decode()
    assert "https://news.example.com/news/l/prices" in body
    assert (
        "&lt;a href=&quot;https://news.example.com/news/l/prices&quot;&gt;"
        "Price list&lt;/a&gt;" in body
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "//evil.example"}, "url"),
        ({"action": "message"}, "message"),
        ({"action": "message", "message": "  "}, "message"),
        ({"slug": "A b"}, "slug"),
        ({"slug": "a/b"}, "slug"),
        ({"slug": ""}, "slug"),
    ],
)
def test_what_cannot_work_is_refused(client, changes, field):
    response = client.post(f"{LIST}add/", posted(**changes))

    assert field in response.context["adminform"].form.errors
    assert not NamedLink.objects.exists()


def test_the_word_in_the_address_stays_when_the_target_changes(client, anna):
    link = NamedLink.objects.create(owner=anna, **posted())

    client.post(
        f"{LIST}{link.pk}/change/", posted(slug="other", url="https://example.com/new")
    )

    link.refresh_from_db()
    assert (link.slug, link.url) == ("prices", "https://example.com/new")


def test_what_mails_hold_cannot_be_deleted(client, anna):
    link = NamedLink.objects.create(owner=anna, **posted())
    version = DeliveryFactory().version
    TrackedLink.objects.create(version=version, position=0, url="x", named_link=link)

    client.post(f"{LIST}{link.pk}/delete/", {"post": "yes"})

    assert NamedLink.objects.get() == link


@pytest.mark.parametrize("place", ["content", "text", "signature"])
def test_what_stands_in_mails_that_note_no_clicks_cannot_be_deleted(
    client, anna, place
):
    used = NamedLink.objects.create(owner=anna, **posted())
    spare = NamedLink.objects.create(owner=anna, **posted(slug="price"))
    text = "See https://news.example.com/news/l/prices."
    version = DeliveryFactory(status="sent").version
    MessageVersion.objects.filter(pk=version.pk).update(**{place: text})

    for link in (used, spare):
        client.post(f"{LIST}{link.pk}/delete/", {"post": "yes"})

    assert NamedLink.objects.get() == used


def test_colleagues_links_are_theirs(client):
    link = NamedLink.objects.create(owner=UserFactory(), **posted())

    assert client.get(f"{LIST}{link.pk}/change/").status_code == 302
    client.post(f"{LIST}{link.pk}/change/", posted(name="Mine"))
    link.refresh_from_db()
    assert link.name == "Price list"


def test_people_are_counted_not_clicks_and_no_machines(client, anna):
    link = NamedLink.objects.create(owner=anna, **posted())
    row = DeliveryFactory(status="sent")
    tracked = TrackedLink.objects.create(
        version=row.version, position=0, url="x", named_link=link
    )
    for number, machine in enumerate([False, False, True]):
        DeliveryEvent.objects.create(
            delivery=row,
            kind="clicked",
            link=tracked,
            occurred_at=NOW,
            is_machine=machine,
            source_key=f"t:{number}",
        )

    [shown] = client.get(LIST).context["cl"].result_list
    assert shown.clicked_by == 1


def test_the_mailings_page_tells_what_came_of_it():
    row = DeliveryFactory(status="sent")
    row.version.tracks_clicks = True
    row.version.save()
    TrackedLink.objects.create(
        version=row.version, position=0, url="https://example.com/<x>"
    )
    client = Client()
    client.force_login(SuperuserFactory(), "django.contrib.auth.backends.ModelBackend")

    body = client.get(f"/massmail/mailingout/{row.mailing_id}/change/").content.decode()

    assert "What came of it" in body
    assert "Only machines" in body
    assert "https://example.com/&lt;x&gt;" in body
