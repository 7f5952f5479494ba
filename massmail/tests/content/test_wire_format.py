"""The message as bytes, and as a reader's program takes it apart."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.content.headers import Sender
from massmail.content.images import Attachment, InlineImage
from massmail.content.values import encodable, one_line
from massmail.exceptions import RenderError
from massmail.tests.content.messages import (
    ENVELOPE,
    LOGO,
    VALUES,
    compiled,
    parsed,
    part_text,
)

HTML = (
    '<p>Dear {{ first_name|default:"reader" }} of {{ company }},</p>'
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>'
)
FIELDS = [
    "From",
    "To",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "Subject",
    "Precedence",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]


def assert_wire_format(raw: bytes) -> None:
    lines = raw.split(b"\r\n")
    assert raw.isascii()
    assert b"\0" not in raw
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    assert all(len(line) <= 78 for line in lines if b"List-Unsubscribe" not in line)


def field_names(raw: bytes) -> list[str]:
    header = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    return re.findall(r"^([!-9;-~]+):", header, re.MULTILINE)


def test_a_message_with_html_has_two_alternatives_text_first():
    raw = compiled(HTML).render(VALUES, ENVELOPE)

    assert_wire_format(raw)
    message = parsed(raw)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert part_text(message, "plain") == (
        "Dear Ann of Acme,\n\n"
        "Unsubscribe (https://news.example.com/u/abc123) 1 Main Street\n"
    )
    assert "<p>Dear Ann of Acme,</p>" in part_text(message, "html")


def test_fields_come_once_and_in_order():
    raw = compiled(HTML).render(VALUES, ENVELOPE)

    assert field_names(raw) == FIELDS


def test_fields_mean_what_they_should():
    message = parsed(
        compiled(HTML, subject="Für {{ first_name }}").render(VALUES, ENVELOPE)
    )

    assert message["From"] == "Sales Team <sales@example.com>"
    assert message["To"] == "Ann Smith <ann@example.org>"
    assert message["Subject"] == "Für Ann"
    assert message["Date"].datetime == ENVELOPE.date
    assert message["Message-ID"] == "<a1b2c3@example.com>"
    assert message["List-Unsubscribe"] == "<https://news.example.com/u/abc123>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<m1.news.example.com>"
    assert message["Precedence"] == "bulk"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["MIME-Version"] == "1.0"


def test_a_plain_message_has_one_part():
    raw = compiled(text="Dear {{ first_name }}\nBye").render(VALUES, ENVELOPE)

    assert_wire_format(raw)
    message = parsed(raw)
    assert message.get_content_type() == "text/plain"
    assert part_text(message, "plain") == "Dear Ann\nBye\n"


def test_an_own_text_part_goes_before_the_one_made_from_html():
    message = parsed(compiled(HTML, text="Own text").render(VALUES, ENVELOPE))

    assert part_text(message, "plain") == "Own text\n"


def test_images_and_attachments_find_their_places():
    attachment = Attachment("terms.pdf", "application/pdf", b"%PDF" * 999)
    message = compiled(
        '<img src="{% cid_logo %}" alt="Logo"><p>x</p>',
        images=(LOGO, InlineImage("unused", "u.png", "image/png", b"x")),
        attachments=(attachment,),
    )
    raw = message.render(VALUES, ENVELOPE)

    assert_wire_format(raw)
    tree = parsed(raw)
    assert [part.get_content_type() for part in tree.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    image, pdf = list(tree.walk())[-2:]
    assert image["Content-ID"] == f"<{LOGO.cid}>"
    assert image.get_content_disposition() == "inline"
    assert image.get_content() == LOGO.content
    assert f'src="cid:{LOGO.cid}"' in part_text(tree, "html")
    assert pdf.get_content_disposition() == "attachment"
    assert pdf.get_filename() == "terms.pdf"
    assert pdf.get_content() == attachment.content


def test_the_same_picture_under_two_names_is_sent_once():
    twin = replace(LOGO, name="logo_2")

    raw = compiled(
        '<img src="{% cid_logo %}"><img src="{% cid_logo_2 %}">', images=(LOGO, twin)
    ).render(VALUES, ENVELOPE)

    assert raw.count(b"Content-ID:") == 1


@pytest.mark.parametrize(
    ("filename", "read"),
    [
        ("price list (1).pdf", "price list (1).pdf"),
        ("Preisliste für Müller €.pdf", "Preisliste für Müller €.pdf"),
        ("прайс-лист" * 9 + ".pdf", "прайс-лист" * 9 + ".pdf"),
        ("目录" * 200 + ".xlsx", ("目录" * 200)[:195] + ".xlsx"),
        ('a"b\\c;d.pdf', "c;d.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nX-Evil: b.pdf", "a X-Evil: b.pdf"),
        ("", "attachment"),
        ("...", "attachment"),
    ],
)
def test_names_of_attachments(filename, read):
    attachment = Attachment(filename, "application/pdf", b"x")

    raw = compiled(text="x", attachments=(attachment,)).render(VALUES, ENVELOPE)

    assert_wire_format(raw)
    part = list(parsed(raw).walk())[-1]
    assert part.get_filename() == read
    assert part.get_param("name") in (read, ("utf-8", "", read))


@pytest.mark.parametrize(
    ("given_type", "sent_type"),
    [
        ("TEXT/CSV", "text/csv"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("text/html\r\nX: y", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_types_of_attachments(given_type, sent_type):
    attachment = Attachment("a", given_type, b"x")

    raw = compiled(text="x", attachments=(attachment,)).render(VALUES, ENVELOPE)

    assert list(parsed(raw).walk())[-1].get_content_type() == sent_type


def test_an_image_must_be_a_picture_with_a_tag_for_a_name():
    with pytest.raises(ValueError, match="svg"):
        InlineImage("logo", "logo.svg", "image/svg+xml", b"<svg/>")
    with pytest.raises(ValueError, match="name"):
        InlineImage("../logo", "logo.png", "image/png", b"x")


def test_boundaries_differ_by_content_and_level_and_stay_the_same():
    def boundaries(content: str) -> list[bytes]:
        raw = compiled(
            content, images=(LOGO,), attachments=(Attachment("a", "a/b", b"c"),)
        ).render(VALUES, ENVELOPE)
        return re.findall(rb'boundary="(.+?)"', raw)

    html = '<img src="{% cid_logo %}">'
    assert len(set(boundaries(html))) == 3
    assert boundaries(html) == boundaries(html)
    assert set(boundaries(html)).isdisjoint(boundaries(f"{html}x"))


@pytest.mark.parametrize(
    "value",
    ["שלום עולם " * 30, "🎉👨‍👩‍👧‍👦" * 40, "x" * 5_000, "naïve=value=" * 40, "." * 200],
)
def test_long_foreign_values_arrive_whole(value):
    raw = compiled(HTML, subject="{{ company|truncatechars:90 }}").render(
        {**VALUES, "company": value}, ENVELOPE._replace(to_name=value)
    )

    assert_wire_format(raw)
    message = parsed(raw)
    assert f"of {value}," in part_text(message, "plain")
    assert f"of {value}," in part_text(message, "html")


def test_international_domains_are_written_in_ascii():
    raw = compiled(HTML, sender=Sender("Jörg", "jörg@bücher.example".replace("ö", "o")))
    raw = raw.render(VALUES, ENVELOPE._replace(to_address="ann@пример.example"))

    assert b"<jorg@xn--bcher-kva.example>" in raw
    assert b"<ann@xn--e1afmkfd.example>" in raw


def test_a_sender_without_address_cannot_compile():
    with pytest.raises(RenderError):
        compiled(HTML, sender=Sender("Jo", "jo"))


def test_values_that_blow_up_a_message_are_refused():
    message = compiled("<p>{{ company }}</p>" * 20)

    with pytest.raises(RenderError, match="1 MB"):
        message.render({**VALUES, "company": "x" * 100_000}, ENVELOPE)


def test_compiling_twice_gives_the_same_bytes():
    first, second = (compiled(HTML).render(VALUES, ENVELOPE) for _ in range(2))

    assert first == second


def test_the_estimated_size_is_near_the_real_one():
    message = compiled(HTML + "<p>é lorem ipsum</p>" * 500)

    real = len(message.render(VALUES, ENVELOPE))
    assert real * 0.9 < message.size_estimate < real * 1.2


PERSONAL = compiled(
    '<p title="{{ company }}">{{ company }}|</p>{% if first_name %}<b>{{ first_name }}'
    '|</b>{% endif %}<a href="https://a.example/?q={{ company }}">x</a>',
    subject="For {{ company|truncatechars:50 }}",
    text="{{ company }}|\n{{ first_name }}|\n",
)
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=200)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_values_give_a_message_with_just_the_right_fields(company, name, to_name):
    values = {**VALUES, "company": company, "first_name": name}
    raw = PERSONAL.render(values, ENVELOPE._replace(to_name=to_name))

    assert_wire_format(raw)
    assert field_names(raw) == FIELDS
    message = parsed(raw)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert [a.addr_spec for a in message["To"].addresses] == ["ann@example.org"]
    shown = encodable(one_line(company))
    assert f"{shown}|\n" in part_text(message, "plain")
    html = part_text(message, "html")
    escaped = (
        shown.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#x27;")
    )
    assert f'<p title="{escaped}">{escaped}|</p>' in html
    assert ("<b>" in html.partition("</p>")[2]) == bool(one_line(name).strip())
