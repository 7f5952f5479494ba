"""The preview page and its frame: own recipients, no way out, never an error page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from massmail.models import EmlMessage
from massmail.site.previews import in_colours
from massmail.tests.factories import (
    CustomerFactory,
    EmlMessageFactory,
    MemberFactory,
    MessageVersionFactory,
    SubscriberFactory,
)
from massmail.tests.mailings import ready_settings
from massmail.tests.site.conftest import page


@pytest.fixture
def message(owner):
    ready_settings()
    return EmlMessageFactory(
        owner=owner,
        subject="Hi {{ first_name }}",
        content=(
            "<style>@media (prefers-color-scheme: dark) { p { color: #eee } }</style>"
            "<p>Dear {{ first_name }} of {{ city }}</p>"
            '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">No more</a></p>'
        ),
    )


def shown(client: Client, message: Any, **query: object):
    return client.get(page(message, "preview"), query)


def frame(client: Client, message: Any, **query: object):
    return client.get(page(message, "preview") + "frame/", query)


def test_the_first_of_ones_own_is_shown_at_first(browser, owner, message):
    CustomerFactory(name="A stranger's")
    CustomerFactory(owner=owner, name="Zoë")
    CustomerFactory(owner=owner, name="Max")

    response = shown(browser(owner), message)

    assert response.status_code == 200
    assert response.context["preview"].subject == "Hi Zoë"
    assert "stranger" not in response.content.decode()


def test_type_and_recipient_can_be_chosen(browser, owner, message):
    CustomerFactory(owner=owner)
    MemberFactory(owner=owner, name="Kim", code="k/1")
    max_ = SubscriberFactory(owner=owner, name="Max")
    client = browser(owner)

    member = shown(client, message, type="hostapp.member")
    subscriber = shown(client, message, type="hostapp.subscriber", recipient=max_.pk)

    assert member.context["preview"].subject == "Hi Kim"
    assert subscriber.context["preview"].subject == "Hi Max"


def test_a_search_chooses_among_those_it_finds(browser, owner, message):
    zoe = CustomerFactory(owner=owner, name="Zoë")
    CustomerFactory(owner=owner, name="Max")
    client = browser(owner)

    found = shown(client, message, type="hostapp.customer", recipient=zoe.pk, q="max")
    nobody = shown(client, message, type="hostapp.customer", q="qqq")

    assert found.context["preview"].subject == "Hi Max"
    assert "None of your records has “qqq”" in nobody.content.decode()


def test_a_foreign_recipient_cannot_be_chosen(browser, owner, message):
    theirs = CustomerFactory(name="A stranger's")
    CustomerFactory(owner=owner, name="Zoë")
    client = browser(owner)

    for view in (shown, frame):
        response = view(client, message, type="hostapp.customer", recipient=theirs.pk)
        assert response.status_code == 200
        assert "stranger" not in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"type": "auth.user"},
        {"type": "hostapp.customer", "recipient": "x"},
        {"type": "hostapp.subscriber", "recipient": "not-a-uuid"},
        {"type": "hostapp.customer", "recipient": "9" * 40},
        {"type": "hostapp.member", "recipient": "\0"},
        {"q": "\0'\"%_\\"},
        {"q": "x" * 5_000},
        {"width": "huge", "scheme": "<script>"},
    ],
)
def test_nonsense_gives_the_default(browser, owner, message, query):
    CustomerFactory(owner=owner, name="Zoë")
    client = browser(owner)

    assert shown(client, message, **query).status_code == 200
    assert frame(client, message, **query).status_code == 200


def test_missing_values_are_listed(browser, owner, message):
    CustomerFactory(owner=owner, name="Zoë", city="")

    body = shown(browser(owner), message).content.decode()

    assert "This recipient would be skipped." in body
    assert "city is empty" in body


def test_who_has_no_records_sees_the_names_of_the_variables(
    browser, superuser, message
):
    response = shown(browser(superuser), message)

    assert response.context["preview"].subject == "Hi (first_name)"
    assert "values of nobody in particular are shown" in response.content.decode()


def test_a_problem_of_the_text_is_shown_with_its_place(browser, owner, message):
    EmlMessage.objects.update(content="<p>\n{% nonsense %}</p>")
    client = browser(owner)

    response = shown(client, message)

    assert response.status_code == 200
    assert "Line 2, column 1" in response.content.decode()
    assert "<iframe" not in response.content.decode()
    assert frame(client, message).status_code == 200


def test_the_page_frames_its_own_url_in_a_sandbox(browser, owner, message):
    zoe = CustomerFactory(owner=owner, name="Zoë")

    body = shown(browser(owner), message, scheme="dark").content.decode()

    assert "<iframe sandbox src=" in body
    query = f"type=hostapp.customer&amp;recipient={zoe.pk}&amp;scheme=dark"
    assert f'src="frame/?{query}"' in body


def test_the_frame_can_do_nothing_and_brings_no_cookie(browser, owner, message):
    CustomerFactory(owner=owner, name="Zoë", city="Delft")

    response = frame(browser(owner), message)

    assert "Dear Zoë of Delft" in response.content.decode()
    policy = response["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "form-action 'none'" in policy
    assert "sandbox" in policy
    assert not any(part.startswith("script-src") for part in policy)
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies


def test_names_that_are_markup_stay_text(browser, owner, message):
    CustomerFactory(owner=owner, name="<script>alert(1)</script>", city="{{ today }}")
    client = browser(owner)

    for view in (shown, frame):
        body = view(client, message).content.decode()
        assert "<script>alert" not in body
        assert "{{ today }}" in body


def test_the_frame_is_shown_in_light_and_in_dark_colours(browser, owner, message):
    CustomerFactory(owner=owner)
    client = browser(owner)

    light = frame(client, message, scheme="light").content.decode()
    dark = frame(client, message, scheme="dark").content.decode()

    assert "@media (max-width: 0)" in light
    assert "@media (min-width: 0)" in dark
    assert '<meta name="color-scheme" content="dark">' in dark
    assert "prefers-color-scheme" not in light + dark


def test_only_what_asks_for_colours_is_answered():
    html = "<p>(prefers-color-scheme)</p>@media ( prefers-color-scheme : light ) {}"

    assert in_colours(html, "light") == (
        "<p>(prefers-color-scheme)</p>@media (min-width: 0) {}"
    )


@pytest.mark.parametrize("kind", ["preview/", "preview/frame/"])
def test_a_foreign_message_is_not_found_and_nothing_is_posted(
    browser, owner, colleague, message, kind
):
    url = page(message, "preview").removesuffix("preview/") + kind

    assert browser(colleague).get(url).status_code == 404
    assert Client().get(url).status_code == 302
    assert browser(owner).post(url).status_code == 405


def test_who_may_not_view_messages_sees_no_preview(browser, owner, message):
    owner.user_permissions.clear()

    assert browser(owner).get(page(message, "preview")).status_code == 404


def test_a_version_is_previewed_as_it_was_launched(browser, owner, colleague, message):
    CustomerFactory(owner=owner, name="Zoë")
    version = MessageVersionFactory(message=message)
    EmlMessage.objects.update(subject="Edited", content="<p>Edited</p>")
    client = browser(owner)

    response = client.get(page(version, "preview"))

    assert response.context["preview"].subject == "Hi Zoë"
    assert (
        "Dear Zoë" in client.get(page(version, "preview") + "frame/").content.decode()
    )
    assert browser(colleague).get(page(version, "preview")).status_code == 404


def test_the_page_costs_the_same_for_any_number_of_records(
    browser, owner, message, django_assert_max_num_queries
):
    for _number in range(30):
        CustomerFactory(owner=owner)
    client = browser(owner)

    with django_assert_max_num_queries(30):
        shown(client, message)
