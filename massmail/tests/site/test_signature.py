"""Signatures in the admin: one default, and a look at what readers get."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.models import Signature
from massmail.tests.factories import (
    EmailAccountFactory,
    EmlMessageFactory,
    SignatureFactory,
    UserFactory,
)
from massmail.tests.site.conftest import page


def posted(**changes: object) -> dict[str, object]:
    return {"name": "new", "type": "plain", "content": "Anna", **changes}


def test_a_new_default_takes_the_place_of_the_old_one(browser, owner):
    old = SignatureFactory(owner=owner, is_default=True)
    theirs = SignatureFactory(is_default=True)

    response = browser(owner).post(page(Signature, "add"), posted(is_default="on"))

    assert response.status_code == 302
    for signature in (old, theirs):
        signature.refresh_from_db()
    assert (old.is_default, theirs.is_default) == (False, True)
    assert Signature.objects.get(name="new").is_default


def test_an_existing_signature_becomes_the_default(browser, owner):
    old = SignatureFactory(owner=owner, is_default=True)
    other = SignatureFactory(owner=owner)

    browser(owner).post(page(other), posted(is_default="on"))

    assert list(Signature.objects.filter(is_default=True)) == [other]
    assert not Signature.objects.get(pk=old.pk).is_default


def test_a_refused_form_leaves_the_default_as_it_was(browser, owner):
    old = SignatureFactory(owner=owner, is_default=True)

    browser(owner).post(
        page(Signature, "add"), posted(is_default="on", content="{{ nobody }}")
    )

    assert list(Signature.objects.filter(is_default=True)) == [old]


def test_a_superuser_gives_another_owner_a_default(browser, superuser, owner):
    old = SignatureFactory(owner=owner, is_default=True)

    response = browser(superuser).post(
        page(Signature, "add"), posted(is_default="on", owner=owner.pk)
    )

    assert response.status_code == 302
    assert not Signature.objects.get(pk=old.pk).is_default
    assert Signature.objects.get(name="new").owner == owner


@pytest.mark.parametrize(
    ("kind", "content", "place"),
    [
        ("plain", "{% now 'Y' %}", "Line 1, column 1"),
        ("plain", "Anna\n{{ sender_nam }}", "Line 2, column 1"),
        ("html", "<p>\n<style>{{ city }}</style>", "Line 2, column 8"),
    ],
)
def test_a_bad_signature_is_refused_with_its_place(
    browser, owner, kind, content, place
):
    data = posted(type=kind, content=content)

    response = browser(owner).post(page(Signature, "add"), data)

    assert place in response.context["adminform"].form.errors["content"][0]
    assert not Signature.objects.exists()


def test_a_saved_signature_is_shown_as_html_and_as_text(browser, owner):
    EmailAccountFactory(owner=owner, from_name="Anna Lind")
    signature = SignatureFactory(
        owner=owner, type="html", content="<p><b>{{ sender_name }}</b><br>Sales</p>"
    )
    client = browser(owner)

    response = client.get(page(signature))
    frame = client.get(response.context["frame_url"])

    assert response.context["preview"].text.strip() == "Anna Lind\nSales"
    assert "<b>Anna Lind</b>" in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]


def test_a_plain_signature_is_shown_with_its_line_breaks(browser, owner):
    signature = SignatureFactory(owner=owner, content="Anna <3\nSales")

    frame = browser(owner).get(page(signature, "frame"))

    assert "Anna &lt;3<br>\nSales" in frame.content.decode()


def test_a_signature_that_cannot_be_compiled_any_more_is_no_error_page(browser, owner):
    signature = SignatureFactory(owner=owner, content="{% nonsense %}")
    client = browser(owner)

    assert "Line 1, column 1" in client.get(page(signature)).content.decode()
    assert client.get(page(signature, "frame")).status_code == 200


def test_a_foreign_signature_has_no_frame(browser, owner):
    signature = SignatureFactory(owner=UserFactory())

    assert browser(owner).get(page(signature, "frame")).status_code == 404


LIVE = ["massmail_signature_live", "massmail_signature_live_frame"]


def asked(client, name, **data):
    return client.post(reverse(f"admin:{name}"), data)


def test_an_unsaved_signature_is_shown_while_it_is_written(browser, owner):
    EmailAccountFactory(owner=owner, from_name="Anna Lind")
    written = {"type": "html", "content": "<p><b>{{ sender_name }}</b><br>Sales</p>"}
    seen, frame = (
        asked(browser(owner), name, **written).content.decode() for name in LIVE
    )

    assert "Anna Lind\nSales" in seen
    assert "<b>Anna Lind</b>" in frame
    assert not Signature.objects.exists()


def test_a_changed_signature_is_shown_and_its_row_stays_what_it_is(browser, owner):
    signature = SignatureFactory(owner=owner, content="Stored")
    client = browser(owner)

    seen, frame = (
        asked(client, name, stored=signature.pk, type="plain", content="A <3\nB")
        for name in LIVE
    )

    assert "A &lt;3\nB" in seen.content.decode()
    assert "A &lt;3<br>\nB" in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]
    signature.refresh_from_db()
    assert signature.content == "Stored"


def test_the_mistake_of_an_unsaved_signature_is_told_with_its_place(browser, owner):
    seen = asked(browser(owner), LIVE[0], type="plain", content="A\n{{ nob")

    assert "Line 2, column 1" in seen.content.decode()


def test_a_get_and_a_foreign_signature_show_nothing(browser, owner):
    theirs = SignatureFactory(content="Secret")
    client = browser(owner)

    for name in LIVE:
        assert client.get(reverse(f"admin:{name}")).status_code == 405
        answer = asked(client, name, stored=theirs.pk, type="plain", content="A")
        assert answer.status_code == 404


def test_deleting_a_signature_tells_which_messages_lose_it(browser, owner):
    signature = SignatureFactory(owner=owner)
    message = EmlMessageFactory(owner=owner, signature=signature)
    EmlMessageFactory(owner=owner)
    client = browser(owner)

    asked = client.get(page(signature, "delete"))
    client.post(page(signature, "delete"), {"post": "yes"})

    text = "Not deleted: 1 message, which has no signature then."
    assert text in asked.content.decode()
    message.refresh_from_db()
    assert message.signature is None
