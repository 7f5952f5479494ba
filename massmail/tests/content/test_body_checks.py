"""What preflight sees in a body: links, pictures, placeholders, size, subject."""

from __future__ import annotations

import pytest

from massmail.content.body_checks import body_findings
from massmail.content.images import Attachment, InlineImage
from massmail.tests.content.messages import compiled

WORDS = "<p>" + "A sentence that says what this message is about. " * 4 + "</p>"
PHOTO = InlineImage("photo", "photo.png", "image/png", b"1")


def found(content: str = "", *, limit: int | None = None, **parts) -> dict[str, tuple]:
    message = compiled(WORDS + content, images=(PHOTO,), **parts)
    findings = body_findings(message, max_message_bytes=limit)
    return {finding.code: finding.details for finding in findings}


@pytest.mark.parametrize(
    "target",
    [
        "https://example.com",
        "https://www.example.com/a?b=c&d=%20#e",
        "http://127.0.0.1:8000/x",
        "https://[2001:db8::1]/",
        "https://bücher.example/",
        "https://user@example.com/",
        "https://{{ website }}/offer",
        "https://example.com/{{ first_name }}",
        "{{ website }}",
        "{% if vip %}https://example.com/vip{% else %}https://example.com{% endif %}",
        "mailto:anna@example.com?subject=x",
        "mailto:{{ sender_email }}",
        "tel:+31 30 1234567",
        "tel:{{ phone }}",
    ],
)
def test_a_good_link_is_no_finding(target):
    assert found(f'<a href="{target}">x</a>') == {}


@pytest.mark.parametrize(
    "target",
    ["", " ", "#", "#top", "/about", "www.example.com", "javascript:x", "file:///x"],
)
def test_a_link_that_leads_nowhere_is_named_by_its_text(target):
    assert found(f'<a href="{target}">Our offer</a>') == {"empty_links": ("Our offer",)}


@pytest.mark.parametrize(
    "target",
    [
        "https://example",
        "https://https://example.com",
        "https:///about",
        "https://exa_mple..com/",
        "https://example.c",
        "https://-example.com",
        "https://[::1",
        "mailto:anna",
        "mailto:",
        "tel:12",
    ],
)
def test_a_link_that_cannot_work_is_named(target):
    broken = found(f'<a href="{target}">x</a>')

    assert set(broken) & {"broken_links", "empty_links"}


def test_an_anchor_is_no_link():
    assert found('<a name="top"></a><a id="x">y</a>') == {}


def test_places_are_named_once_and_not_without_end():
    links = "".join(f'<a href="https://bad{n % 9}">x</a>' for n in range(20))

    assert found(links)["broken_links"] == (
        *(f"https://bad{n}" for n in range(5)),
        "… +4",
    )


@pytest.mark.parametrize(
    "placeholder",
    [
        "{Person.firstName}",
        "{optOutUrl}",
        "{trackingUrl:https://example.com}",
        "*|FNAME|*",
        "%%First Name%%",
        "[[first_name]]",
        "##name##",
        "${first_name}",
    ],
)
def test_placeholders_of_other_systems_are_found_in_every_part(placeholder):
    places = {"foreign_placeholders": (placeholder,)}

    assert found(f"<p>{placeholder}</p>") == places
    assert found(subject=f"Dear {placeholder}")["foreign_placeholders"]
    assert found(text=f"Dear {placeholder}") == places


@pytest.mark.parametrize(
    "text",
    [
        "{ }",
        "{x}",
        "a {b} c",
        "100 %",
        "50%% off",
        "[1] [[2]]",
        "C# ## 1",
        "$5 {5}",
        "&#123;&#123; name }}",
        '<a href="https://example.com/%D0%9F%D0%A0%D0%98">x</a>',
        "<style>@media (max-width: 600px) { .a.b{color:red} }</style>",
    ],
)
def test_other_signs_are_no_placeholders(text):
    assert found(text) == {}


def test_a_recipients_value_is_no_placeholder_of_the_message():
    assert found("<p>{{ first_name }} {{ company|default:'x' }}</p>") == {}


@pytest.mark.parametrize(
    ("picture", "findings"),
    [
        ('<img src="{% cid_photo %}" alt="A tulip" width="10">', {}),
        ('<img src="{% cid_photo %}" alt="" style="width:100%">', {}),
        (
            '<img src="{% cid_photo %}" width="10">',
            {"pictures_without_text": ("cid:photo",)},
        ),
        (
            '<a href="https://example.com"><img src="{% cid_photo %}" alt=""'
            ' width="9"></a>',
            {"pictures_without_text": ("cid:photo",)},
        ),
        (
            '<img src="https://example.com/a/tulip.png" alt="Tulip">',
            {"pictures_without_size": ("Tulip",)},
        ),
        (
            '<img src="http://example.com/tulip.png" alt="Tulip" width="9">',
            {"lost_pictures": ("Tulip",)},
        ),
        (
            '<img src="data:image/png;base64,AA" alt="Tulip" width="9">',
            {"lost_pictures": ("Tulip",)},
        ),
    ],
)
def test_pictures(picture, findings):
    assert found(picture) == findings


def test_a_link_around_a_picture_is_named_by_it():
    assert found('<a href=""><img src="{% cid_photo %}" alt="Go" width="1"></a>') == {
        "empty_links": ("Go",)
    }


def test_pictures_without_a_message():
    picture = '<img src="{% cid_photo %}" alt="Everything is on it" width="600">'
    message = compiled(picture + "<p>Unsubscribe</p>", images=(PHOTO,))
    with_preheader = compiled(
        picture, images=(PHOTO,), preheader="Words that nobody sees below it. " * 7
    )

    for each in (message, with_preheader):
        codes = [each.code for each in body_findings(each, max_message_bytes=None)]
        assert codes == ["only_pictures"]


def test_gmail_clips_what_is_longer_than_102_kb():
    assert found("<p>" + "x " * 51_500 + "</p>") == {}
    assert found("<p>" + "x " * 52_300 + "</p>") == {"clipped": ()}
    assert found("<p>" + "é" * 52_300 + "</p>") == {"clipped": ()}


def test_pictures_and_files_are_too_heavy_together():
    photo = InlineImage("big", "big.png", "image/png", b"1" * 4_000_000)
    file = Attachment("a.pdf", "application/pdf", b"1" * 4_000_000)
    message = compiled(WORDS, images=(photo,), attachments=(file,))
    content = '<img src="{% cid_big %}" alt="Big" width="9">'
    with_picture = compiled(WORDS + content, images=(photo,), attachments=(file,))

    assert not list(body_findings(message, max_message_bytes=None))
    [heavy] = body_findings(with_picture, max_message_bytes=None)
    assert (heavy.code, heavy.level) == ("heavy", "warning")
    [too_big] = body_findings(with_picture, max_message_bytes=5_000_000)
    assert too_big.code == "too_big"


def test_a_message_that_the_server_does_not_take():
    file = Attachment("a.bin", "application/octet-stream", bytes(3_000_000))

    assert found(attachments=(file,)) == {}
    assert found(attachments=(file,), limit=5_000_000) == {}
    assert found(attachments=(file,), limit=4_000_000) == {
        "too_big": ("4.1 MB > 4.0 MB",)
    }


@pytest.mark.parametrize(
    ("subject", "codes"),
    [
        ("News from Utrecht", []),
        ("{{ first_name }}, news!", []),
        ("x" * 78, []),
        ("x" * 79, ["subject_too_long"]),
        ("Sale!!!", ["subject_shouts"]),
        ("Really?!", ["subject_shouts"]),
        ("Win $$$ now", ["subject_shouts"]),
        ("BUY NOW AND SAVE", ["subject_shouts"]),
        ("КУПИТЕ СЕЙЧАС", ["subject_shouts"]),
        ("NATO and UNESCO meet", []),
        ("IBM", []),
        ("新製品のお知らせ", []),
        ("عرض خاص لك", []),
    ],
)
def test_subjects(subject, codes):
    assert list(found(subject=subject)) == codes
