"""The preview beside the text: what is written now, and nothing is kept of it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from massmail.models import EmlMessage
from massmail.tests.factories import (
    AttachmentFactory,
    CustomerFactory,
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
)
from massmail.tests.mailings import ready_settings

FACTS, FRAME = "massmail_emlmessage_live", "massmail_emlmessage_live_frame"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    ready_settings()


def asked(client: Client, name: str, **data: object):
    return client.post(reverse(f"admin:{name}"), data)


def shown(client: Client, name: str, **data: object) -> str:
    response = asked(client, name, **data)
    assert response.status_code == 200
    return response.content.decode()


def test_an_unsaved_message_is_shown_to_ones_own_recipient(browser, owner):
    CustomerFactory(owner=owner, name="Zoë", city="Delft")
    client = browser(owner)
    written = {"subject": "Hi {{ first_name }}", "content": "<p>From {{ city }}</p>"}

    facts = shown(client, FACTS, **written)
    frame = shown(client, FRAME, **written)

    assert "Hi Zoë" in facts
    assert "From Delft" in facts  # as plain text
    assert "<p>From Delft</p>" in frame
    assert not EmlMessage.objects.exists()


def test_a_changed_message_is_shown_and_its_row_stays_what_it_is(browser, owner):
    CustomerFactory(owner=owner)
    message = EmlMessageFactory(owner=owner, subject="Stored", content="<p>Stored</p>")
    AttachmentFactory(message=message)

    frame = shown(
        browser(owner), FRAME, stored=message.pk, subject="New", content="<p>New</p>"
    )

    assert "<p>New</p>" in frame
    message.refresh_from_db()
    assert (message.subject, message.content) == ("Stored", "<p>Stored</p>")


def test_it_writes_nothing(browser, owner):
    CustomerFactory(owner=owner)
    message = EmlMessageFactory(owner=owner)
    client = browser(owner)

    with CaptureQueriesContext(connection) as queries:
        shown(client, FACTS, stored=message.pk, subject="New", content="<p>New</p>")

    assert [query["sql"] for query in queries if not is_read(query["sql"])] == []


def is_read(sql: str) -> bool:
    return sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))


def test_the_problem_of_a_half_written_tag_is_told_with_its_place(browser, owner):
    CustomerFactory(owner=owner)

    facts = shown(browser(owner), FACTS, subject="Hi", content="<p>\n{{ first_nam }}")

    assert "line 2, column 1" in facts
    assert shown(browser(owner), FRAME, content="<p>{{") != ""


@pytest.mark.parametrize(
    "content", ["", "\0", "<p>" * 5_000, "{% if %}", "x" * 600_000]
)
def test_no_text_is_an_error_page(browser, owner, content):
    CustomerFactory(owner=owner)

    for name in (FACTS, FRAME):
        assert asked(browser(owner), name, content=content).status_code == 200


def test_an_own_signature_is_shown_and_a_foreign_one_is_not(browser, owner):
    CustomerFactory(owner=owner)
    mine = SignatureFactory(owner=owner, content="Yours, Anna")
    theirs = SignatureFactory(content="secret words")
    client = browser(owner)
    written = {"subject": "Hi", "content": "<p>Hi</p>"}

    assert "Yours, Anna" in shown(client, FRAME, signature=mine.pk, **written)
    assert "secret words" not in shown(client, FRAME, signature=theirs.pk, **written)


def test_pictures_are_those_that_the_message_may_have(browser, owner):
    CustomerFactory(owner=owner)
    LibraryImageFactory(owner=owner, tag="mine")
    LibraryImageFactory(tag="theirs")
    client = browser(owner)

    mine = shown(client, FRAME, content='<img src="{% cid_mine %}" alt="x">')
    theirs = shown(client, FRAME, content='<img src="{% cid_theirs %}" alt="x">')

    assert "data:image/" in mine
    assert "data:image/" not in theirs


def test_without_pictures_their_descriptions_are_shown(browser, owner):
    CustomerFactory(owner=owner)
    LibraryImageFactory(owner=owner, tag="mine")
    content = (
        '<table style="background-image:url(https://example.com/a.png)"><tr><td>'
        '<img width="20" src="{% cid_mine %}" alt="The team"></td></tr></table>'
    )

    frame = shown(browser(owner), FRAME, content=content, images="off")

    assert 'alt="The team"' in frame
    assert "src=" not in frame
    assert "url(" not in frame


def test_the_longest_and_the_emptiest_values(browser, owner):
    CustomerFactory(owner=owner, name="Bo", city="Delft")
    CustomerFactory(owner=owner, name="Maximiliane", city="")
    client = browser(owner)
    written = {"content": "<p>{{ first_name }} of {{ city }}</p>"}

    longest = shown(client, FACTS, recipient="-longest", **written)
    emptiest = shown(client, FACTS, recipient="-emptiest", **written)

    assert "Maximiliane of Delft" in longest
    assert "city is empty" in emptiest


def test_a_foreign_recipient_cannot_be_chosen(browser, owner):
    theirs = CustomerFactory(name="A stranger's")
    CustomerFactory(owner=owner, name="Zoë")

    facts = shown(
        browser(owner),
        FACTS,
        content="<p>{{ first_name }}</p>",
        type="hostapp.customer",
        recipient=theirs.pk,
    )

    assert "stranger" not in facts


def test_the_frame_runs_nothing_and_asks_for_nothing(browser, owner):
    CustomerFactory(owner=owner)

    response = asked(browser(owner), FRAME, content="<script>alert(1)</script><p>Hi")

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "script" not in response.content.decode()


@pytest.mark.parametrize("name", [FACTS, FRAME])
def test_a_get_a_forged_post_and_a_foreign_message_are_refused(
    browser, owner, colleague, name
):
    message = EmlMessageFactory(owner=owner)
    url = reverse(f"admin:{name}")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)

    assert browser(owner).get(url).status_code == 405
    assert strict.post(url, {"content": "x"}).status_code == 403
    assert asked(browser(colleague), name, stored=message.pk).status_code == 404
    assert asked(browser(owner), name, stored="x").status_code == 404


@pytest.mark.parametrize("name", [FACTS, FRAME])
def test_who_may_not_write_messages_gets_nothing(browser, owner, name):
    message = EmlMessageFactory(owner=owner)
    owner.user_permissions.clear()

    assert asked(browser(owner), name, content="x").status_code == 403
    assert asked(browser(owner), name, stored=message.pk).status_code == 404
