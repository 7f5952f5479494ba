"""`EmlMessage.full_clean()` compiles: with and without a form, errors say where."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from massmail.forms.template_checks import signature_errors
from massmail.tests.factories import (
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
)

pytestmark = pytest.mark.django_db
LOGO = "<img src='{% cid_logo %}' alt=''>"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def refused(**fields: object) -> dict[str, list[str]]:
    """What `full_clean()` says of a message with these fields; {} when nothing."""
    try:
        EmlMessageFactory(**fields).full_clean()
    except ValidationError as error:
        return error.message_dict
    return {}


def test_bad_texts_are_refused_without_any_form():
    assert set(refused(content="{% load x %}", subject="{{ nobody }}")) == {
        "content",
        "subject",
    }


def test_what_some_recipients_offer_is_accepted():
    content = "{{ born|date:'Y' }} {{ city }} {{ sender_name }} {{ today }}"

    assert refused(content=content) == {}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("<style>\np { color: {{ city }} }</style>", "Line 2, column 12: "),
        ('<p>\n<a href="javascript:{{ city }}">x</a>', "Line 2, column 21: "),
        (
            "<table>\n{% if city %}Moved{% endif %}<tr><td>a</td></tr></table>",
            "Line 2, column 1: ",
        ),
    ],
    ids=["in a style sheet", "unsafe link", "text that would move"],
)
def test_a_tag_at_a_wrong_place_in_the_html_is_refused(content, place):
    errors = refused(content=content)

    assert set(errors) == {"content"}
    assert errors["content"][0].startswith(place)


def test_a_picture_in_plain_text_is_refused():
    LibraryImageFactory(tag="logo", owner=(message := EmlMessageFactory()).owner)

    assert set(refused(owner=message.owner, text=LOGO)) == {"text"}


def test_parts_are_looked_at_behind_a_part_that_is_wrong():
    errors = refused(
        content="<style>{{ city }}</style>", text="{% signature %}{% cid_x %}"
    )

    assert set(errors) == {"content", "text"}


def test_an_unknown_variable_is_named_with_its_place_and_the_nearest_one():
    [error] = refused(content="<p>\n  {{ first_nam }}</p>")["content"]

    assert error == (
        "Line 2, column 3: There is no variable “first_nam”. Did you mean “first_name”?"
    )


def test_a_name_like_no_other_gets_no_suggestion():
    [error] = refused(content="{{ qqqqqq }}")["content"]

    assert error == "Line 1, column 1: There is no variable “qqqqqq”."


def test_a_subject_that_is_far_too_long_is_an_error_not_a_crash():
    message = EmlMessageFactory.build(owner=EmlMessageFactory().owner)
    message.subject = "x" * 1_200

    with pytest.raises(ValidationError) as error:
        message.full_clean()

    assert set(error.value.message_dict) == {"subject"}


def test_a_bad_signature_is_an_error_of_the_message():
    signature = SignatureFactory(content="{{ nobody }}")

    assert set(refused(owner=signature.owner, signature=signature)) == {"signature"}


def test_a_picture_in_a_signature_must_be_offered_to_the_message():
    image = LibraryImageFactory(tag="logo")
    signature = SignatureFactory(content=LOGO, type="html")

    assert refused(owner=image.owner, signature=signature) == {}
    assert set(refused(signature=signature)) == {"signature"}


@pytest.mark.parametrize(
    ("kind", "content", "is_refused"),
    [
        ("plain", "Anna {{ sender_email }}", False),
        ("plain", "a < b & {{ nobody }}", True),
        ("html", '<a href="{{ sender_email }}.exe">x</a>', False),
        ("html", '<a href="vbscript:x{{ city }}">x</a>', True),
        ("html", "{% signature %}", True),
        ("html", "<style>p { {{ city }} }</style>", True),
        ("html", LOGO, True),
    ],
)
def test_a_signature_is_compiled_alone(kind, content, is_refused):
    signature = SignatureFactory(type=kind, content=content)

    assert bool(signature_errors(signature)) == is_refused


def test_a_signature_may_have_its_owners_pictures():
    image = LibraryImageFactory(tag="logo")
    signature = SignatureFactory(type="html", content=LOGO, owner=image.owner)

    assert signature_errors(signature) == []
