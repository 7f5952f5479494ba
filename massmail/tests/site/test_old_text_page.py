"""An old text is pasted or uploaded, looked at in our words, and saved."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from massmail.forms.old_text import is_html
from massmail.models import EmlMessage
from massmail.tests.factories import (
    LibraryImageFactory,
    SignatureFactory,
    UserFactory,
)

URL = "admin:massmail_emlmessage_import"
OLD = '<p>Dear {Person.firstName}</p>\n<a href="{optOutUrl}">Out</a> {Person.shoeSize}'
NEW = (
    '<p>Dear {{ first_name }}</p>\n<a href="{{ unsubscribe_url }}">Out</a>'
    " {Person.shoeSize}"
)


def convert(client, **data):
    fields = {"subject": "Hi {Person.firstName}", "content": OLD, "_convert": "1"}
    return client.post(reverse(URL), fields | data)


def save(client, **data):
    return client.post(reverse(URL), {"subject": "x", "_save": "1", **data})


def test_converting_shows_what_became_of_it_and_stores_nothing(browser, owner):
    response = convert(browser(owner))

    form = response.context["form"]
    assert form["content"].value() == NEW
    assert form["subject"].value() == "Hi {{ first_name }}"
    html = response.content.decode()
    assert "<code>{Person.firstName}</code> → <code>{{ first_name }}</code>" in html
    assert "<code>{Person.shoeSize}</code>" in html
    assert "line 2" in html
    assert not EmlMessage.objects.exists()


def test_what_was_converted_is_saved_as_ones_own_message(browser, owner):
    signature = SignatureFactory(owner=owner, is_default=True)

    response = save(browser(owner), subject="Hi {{ first_name }}", content=NEW)

    message = EmlMessage.objects.get()
    assert response.url.endswith(f"/emlmessage/{message.pk}/change/")
    assert (message.owner, message.signature) == (owner, signature)
    assert message.subject == "Hi {{ first_name }}"
    assert message.content == NEW


def test_plain_text_becomes_a_message_of_plain_text(browser, owner):
    client = browser(owner)
    converted = convert(client, content="Dear {Person.firstName}\n{optOutLink}")
    text = converted.context["form"]["content"].value()

    save(client, content=text)

    message = EmlMessage.objects.get()
    assert message.text.splitlines() == [
        "Dear {{ first_name }}",
        "{{ unsubscribe_url }}",
    ]
    assert message.content == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_is_read_whatever_its_encoding(browser, owner, encoding):
    file = SimpleUploadedFile("old.html", "<p>Grüße</p>".encode(encoding))

    response = convert(browser(owner), content="", file=file)

    assert response.context["form"]["content"].value() == "<p>Grüße</p>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"content": " "}, "Paste the text"),
        ({"subject": ""}, "This field is required"),
        ({"content": "é" * (256 * 1024 + 1)}, "The text is longer than 512 kB."),
        (
            {"file": SimpleUploadedFile("picture.html", b"\x89PNG\0\0")},
            "This is no text, but some other kind of file.",
        ),
        (
            {"file": SimpleUploadedFile("big.html", b"x" * (512 * 1024 + 1))},
            "The file is bigger than",
        ),
    ],
)
def test_what_is_missing_or_too_much_is_said(browser, owner, data, said):
    response = convert(browser(owner), **data)

    assert response.status_code == 200
    assert said in response.content.decode()


def test_a_mistake_is_told_with_its_place_and_nothing_is_lost(browser, owner):
    response = save(browser(owner), content="<p>\n{% debug %}</p>")

    assert response.status_code == 200
    html = response.content.decode()
    assert "Line 2, column 1" in html
    assert "{% debug %}" in html
    assert not EmlMessage.objects.exists()


def test_own_pictures_are_put_in_by_their_file_names(
    browser, owner, settings, tmp_path
):
    settings.MEDIA_ROOT = str(tmp_path)
    LibraryImageFactory(owner=owner, tag="header", filename="Head.png")
    LibraryImageFactory(owner=UserFactory(), tag="other", filename="other.png")

    old = (
        "<img src=\"{% cid_media 'a/head.png' %}\">"
        "<img src=\"{% cid_media 'other.png' %}\">"
    )
    response = convert(browser(owner), content=old)

    assert response.context["form"]["content"].value() == (
        '<img src="{% cid_header %}"><img src="missing:other.png">'
    )


def test_the_list_of_messages_leads_to_it(browser, owner):
    html = browser(owner).get(reverse("admin:massmail_emlmessage_changelist")).content

    assert reverse(URL) in html.decode()


def test_who_may_not_write_messages_may_not_bring_any(browser, owner):
    owner.user_permissions.clear()

    assert browser(owner).get(reverse(URL)).status_code == 403
    assert save(browser(owner), content="x").status_code == 403
    assert not EmlMessage.objects.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>x</p>", True),
        ("<!-- x -->", True),
        ("<P\nclass=x>", True),
        ("a < b and b > c", False),
        ("<b", False),
        ("> <b", False),
        ("", False),
        ("<a" * 256 * 1024, False),
    ],
)
def test_html_is_told_from_plain_text(text, expected):
    assert is_html(text) is expected
