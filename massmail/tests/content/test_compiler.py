"""Links, signatures, previews, and who lacks what."""

from __future__ import annotations

import pytest
from django.utils import translation

from massmail.content.compiler import MessageSource, compile_message
from massmail.exceptions import MessageTemplateError
from massmail.tests.content.messages import (
    ENVELOPE,
    LOGO,
    SENDER,
    VALUES,
    body_html,
    compiled,
    parsed,
    part_text,
)


def test_links_are_listed_in_order_with_their_variables():
    message = compiled(
        '<a href="https://a.example/?a=1&amp;b=2">a</a><a name="x">b</a>'
        '<a href="{{ unsubscribe_url }}">c</a><a href="mailto:a@b.example">d</a>'
        '<a href="https://a.example/{% if vip %}v{% endif %}">e</a>'
    )

    assert message.links == (
        "https://a.example/?a=1&b=2",
        "{{ unsubscribe_url }}",
        "mailto:a@b.example",
        "https://a.example/{% if vip %}v{% endif %}",
    )


def test_constant_web_addresses_can_be_rewritten_in_both_parts():
    seen = []

    def rewriter(url: str, position: int) -> str:
        seen.append((url, position))
        return f"https://t.example/{{{{ tracking_token }}}}?p={position}&x=1"

    content = (
        '<a href="mailto:a@b.example">a</a><a href="https://a.example/?a&amp;b">b</a>'
        '<a href="{{ unsubscribe_url }}">c</a>'
    )
    message = compile_message(
        MessageSource("News", content=content),
        sender=SENDER,
        variables=[],
        link_rewriter=rewriter,
    )
    values = {**VALUES, "tracking_token": "t/1"}

    assert seen == [("https://a.example/?a&b", 1)]
    assert message.links[1] == "https://a.example/?a&b"
    assert 'href="https://t.example/t%2F1?p=1&amp;x=1"' in message.render_html(values)
    assert "(https://t.example/t%2F1?p=1&x=1)" in message.render_text(values)
    assert message.missing(VALUES) == ()
    assert message.required_variables == frozenset()


@pytest.mark.parametrize(
    ("signature", "is_html", "html", "text"),
    [
        ("<p>Jo<br>{{ sender_name }}</p>", True,
         "<p>Jo<br>Sales Team</p>", "Jo\nSales Team\n"),
        ("Jo & <Co>\n{{ sender_name }}", False,
         "<p>Jo &amp; &lt;Co&gt;<br>\nSales Team</p>", "Jo & <Co>\nSales Team"),
    ],
)  # fmt: skip
def test_the_signature_is_at_the_end(signature, is_html, html, text):
    parts = {"signature": signature, "signature_is_html": is_html}

    assert body_html("<p>Hello</p>", **parts) == f"<p>Hello</p>{html}"
    assert compiled("<p>Hello</p>", text="Hi\n\n", **parts).render_text({}) == (
        f"Hi\n\n{text}"
    )
    assert compiled("", text="Hi", **parts).render_text({}) == f"Hi\n\n{text}"


def test_the_signature_can_be_anywhere():
    parts = {"signature": "<p>Jo</p>"}

    assert body_html("<p>A</p>{% signature %}<p>B</p>", **parts) == (
        "<p>A</p><p>Jo</p><p>B</p>"
    )
    message = compiled("", text="A\n{% signature %}B", **parts)
    assert message.render_text({}) == "A\nJo\nB"


def test_a_place_for_a_signature_stays_empty_without_one():
    assert body_html("<p>A</p>{% signature %}") == "<p>A</p>"
    assert compiled(text="A{% signature %}B").render_text({}) == "AB"


def test_the_style_sheet_of_the_message_applies_to_the_signature():
    html = body_html("<style>p{color:red}</style><p>A</p>", signature="<p>Jo</p>")

    assert html == '<p style="color: red;">A</p><p style="color: red;">Jo</p>'


@pytest.mark.parametrize(
    "parts",
    [
        {"signature": "{% signature %}", "content": "x"},
        {"subject": "{% signature %}"},
        {"subject": "{% cid_logo %}", "images": (LOGO,)},
        {"text": "{% cid_logo %}", "images": (LOGO,)},
        {"content": '<img src="{% cid_photo %}">', "images": (LOGO,)},
    ],
)
def test_images_and_signatures_are_refused_where_they_mean_nothing(parts):
    with pytest.raises(MessageTemplateError):
        compiled(**parts)


def test_the_sender_is_constant():
    message = compiled("<p>{{ sender_name }} {{ sender_email }}</p>")

    html = message.render_html({"sender_name": "Somebody else"})
    assert "<p>Sales Team sales@example.com</p>" in html
    assert message.used_variables == frozenset()


def test_the_envelope_fills_what_the_values_lack():
    raw = compiled(text='{{ unsubscribe_url }} {{ today|date:"Y-m-d" }}').render(
        {}, ENVELOPE
    )

    assert part_text(parsed(raw), "plain") == (
        "https://news.example.com/u/abc123 2024-05-06\n"
    )


def test_the_document_has_title_preheader_and_color_scheme():
    document = compiled(
        "<p>x</p>", subject="A & {{ company }}", preheader="Look, {{ first_name }}"
    ).render_html({"company": "<Co>", "first_name": "Ann"})

    assert document.startswith('<!DOCTYPE html>\n<html><head><meta charset="utf-8">')
    assert "<title>A &amp; &lt;Co&gt;</title>" in document
    assert '<meta name="color-scheme" content="light dark">' in document
    assert 'mso-hide:all">Look, Ann&zwnj;' in document


def test_a_preview_shows_pictures_from_the_library():
    html = compiled('<img src="{% cid_logo %}">', images=(LOGO,)).render_html(
        {}, image_url=lambda image: f"/library/{image.name}?a&b"
    )

    assert '<img src="/library/logo?a&amp;b">' in html


def test_names_are_missing_only_where_they_would_be_printed():
    message = compiled(
        "{{ company }}{% if vip %}{{ level }}{% endif %}{{ nick|default:'x' }}"
        "{{ postal_address }}",
        subject="{{ first_name }}",
    )

    assert message.required_variables == {"company", "first_name"}
    assert message.missing({}) == ("first_name", "company")
    assert message.missing({"first_name": "A", "company": " "}) == ("company",)
    values = {"first_name": "A", "company": "B"}
    assert message.missing(values) == ()
    assert message.missing({**values, "vip": "yes"}) == ("level",)


@pytest.mark.parametrize(
    ("content", "required"),
    [
        ("{% if vip %}{{ level }}{% endif %}", set()),
        ("{% if vip %}{{ level }}{% else %}{{ level }}{% endif %}", {"level"}),
        ("{% if vip %}{{ level }}{% else %}{{ company }}{% endif %}", set()),
        ("{% if level %}{{ level }}{% else %}{{ company }}{% endif %}", set()),
        (
            "{% if vip %}{{ level }}{% elif x %}{{ level }}{% endif %}{{ company }}",
            {"company"},
        ),
        (
            "{% if vip %}{% if x %}{{ level }}{% endif %}{{ company }}{% else %}"
            "{{ company }}{% endif %}",
            {"company"},
        ),
    ],
)
def test_only_what_every_copy_prints_is_required_of_everybody(content, required):
    assert compiled(content).required_variables == required


def test_unknown_variables_are_refused_when_the_names_are_known():
    source = MessageSource("News", content="<p>\n {{ compny }}</p>")

    with pytest.raises(MessageTemplateError) as refusal:
        compile_message(source, sender=SENDER, variables=["company"])

    error = refusal.value
    assert (error.field, error.line, error.column) == ("content", 2, 2)
    assert "compny" in error.message


def test_an_empty_message_compiles():
    message = compiled(subject="")

    assert part_text(parsed(message.render({}, ENVELOPE)), "plain") == "\n"


@pytest.mark.parametrize(
    ("tag", "date"),
    [
        ("de", "6. Mai 2024"),
        ("de-AT", "6. Mai 2024"),
        ("RU", "6 мая 2024 г."),
        ("tlh", "May 6, 2024"),
        ("", "May 6, 2024"),
    ],
)
def test_dates_are_in_the_language_of_the_message(tag, date):
    """Not in that of whoever looks at it, or sends it."""
    content = f'<html lang="{tag}"><body><p>{{{{ today }}}}</p></body></html>'
    message = compiled(content, subject="{{ today }}", preheader="-")

    with translation.override("fr"):
        raw = parsed(message.render(VALUES, ENVELOPE))

        assert message.render_subject(VALUES) == date
        assert message.render_text(VALUES) == f"{date}\n"
        assert f"<p>{date}</p>" in message.render_html(VALUES)
        assert raw["Subject"] == date
        assert part_text(raw, "plain").strip() == date
        assert translation.get_language() == "fr"


def test_dates_of_a_text_without_html_are_in_the_language_of_the_site():
    with translation.override("fr"):
        assert compiled(text="{{ today }}").render_text(VALUES) == "May 6, 2024"
