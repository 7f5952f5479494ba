"""Template tags survive the HTML tools wherever a writer may put them."""

from __future__ import annotations

import pytest

from massmail.exceptions import MessageTemplateError, RenderError
from massmail.tests.content.messages import LOGO, VALUES, body_html, compiled

TABLE = "<table><tbody>{}</tbody></table>"


@pytest.mark.parametrize(
    ("html", "with_vip", "without"),
    [
        (
            "<table><tr><td>a</td></tr>{% if vip %}<tr><td>b</td></tr>{% endif %}"
            "</table>",
            TABLE.format("<tr><td>a</td></tr><tr><td>b</td></tr>"),
            TABLE.format("<tr><td>a</td></tr>"),
        ),
        (
            "<table>{% if vip %}<tr><td>b</td></tr>{% endif %}<tr><td>a</td></tr>"
            "</table>",
            TABLE.format("<tr><td>b</td></tr><tr><td>a</td></tr>"),
            TABLE.format("<tr><td>a</td></tr>"),
        ),
        (
            "<table><tbody><tr>{% if vip %}<td>a</td>{% else %}<td>b</td><td>c</td>"
            "{% endif %}</tr></tbody></table>",
            TABLE.format("<tr><td>a</td></tr>"),
            TABLE.format("<tr><td>b</td><td>c</td></tr>"),
        ),
        (
            "<ul>{% if vip %}<li>a</li>{% endif %}<li>b</li></ul>",
            "<ul><li>a</li><li>b</li></ul>",
            "<ul><li>b</li></ul>",
        ),
        (
            '<p title="{% if vip %}a{% else %}b{% endif %}">x</p>',
            '<p title="a">x</p>',
            '<p title="b">x</p>',
        ),
        (
            '<a href="{% if vip %}https://a.example{% else %}https://b.example'
            '{% endif %}/x">x</a>',
            '<a href="https://a.example/x">x</a>',
            '<a href="https://b.example/x">x</a>',
        ),
        (
            '<a href="https://a.example/{% if vip %}vip{% else %}all{% endif %}">x</a>',
            '<a href="https://a.example/vip">x</a>',
            '<a href="https://a.example/all">x</a>',
        ),
        ("{% if vip %}a{% else %}{% endif %}b", "ab", "b"),
        ("<b>{% if vip %}a{% endif %}</b>", "<b>a</b>", "<b></b>"),
    ],
)
def test_conditions_stay_where_they_are(html, with_vip, without):
    assert body_html(html, {"vip": "yes"}) == with_vip
    assert body_html(html, {"vip": ""}) == without


def test_a_default_may_hold_the_other_quotes_in_an_attribute():
    html = (
        """<p title="{{ nick|default:"a > 'b'" }}" lang='{{ x|default:'de' }}'>x</p>"""
    )

    assert body_html(html) == '<p title="a &gt; &#x27;b&#x27;" lang="de">x</p>'


def test_variables_stand_between_rows_in_unquoted_attributes_and_twice():
    html = "<p title={{ company }}>{{ company }}</p><b title='{{ company }}'>x<p>y</b>"

    assert body_html(html) == (
        '<p title="Acme">Acme</p><b title="Acme">x</b><p><b title="Acme">y</b></p>'
    )


@pytest.mark.parametrize("value", ["<script>x</script>", '"><img src=x>', "a' & b"])
def test_values_are_escaped_in_text_and_attributes(value):
    html = "<p title='{{ company }}'>{{ company }}</p>"
    escaped = (
        value.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#x27;")
    )

    assert body_html(html, {"company": value}) == (
        f'<p title="{escaped}">{escaped}</p>'
    )


def test_values_that_look_like_templates_stay_text():
    value = "{{ unsubscribe_url }}{% debug %}"

    assert body_html("<p>{{ company }}</p>", {"company": value}) == f"<p>{value}</p>"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("https://a.example/b?c=1&d=ä#e", "https://a.example/b?c=1&amp;d=%C3%A4#e"),
        ('https://a.example/"onclick="x', "https://a.example/%22onclick=%22x"),
        (" https://a.example/a b ", "https://a.example/a%20b"),
        ("mailto:a@example.com", "mailto:a@example.com"),
        ("https://a.example/%41", "https://a.example/%41"),
        ("www.a.example", "https://www.a.example"),
        ("a-b.example/c?d=1#e", "https://a-b.example/c?d=1#e"),
        ("bücher.example", "https://b%C3%BCcher.example"),
    ],
)
def test_a_value_can_be_a_whole_address(value, address):
    html = '<a href="{{ website }}">x</a>'

    assert body_html(html, {"website": value}) == f'<a href="{address}">x</a>'


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JAVA\nSCRIPT:x",
        "data:text/html,x",
        "//a.example",
        "/a.example",
        "a.example:80",
        "a..example",
        "1.2.3.4",
        "me@a.example",
        "x",
        "",
    ],
)
def test_a_value_that_is_no_web_address_cannot_be_one(value):
    message = compiled('<a href="{{ website }}">x</a>')

    with pytest.raises(RenderError):
        message.render_html({**VALUES, "website": value})


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        (
            '<a href="https://a.example/?q={{ company }}&amp;r=1">x</a>',
            '<a href="https://a.example/?q=A%26B%20%2F%3F%22&amp;r=1">x</a>',
        ),
        (
            '<a href="{{ website }}?q={{ company }}">x</a>',
            '<a href="https://acme.example.org/?q=A%26B%20%2F%3F%22">x</a>',
        ),
        (
            '<a href="mailto:{{ sender_email }}?subject={{ company }}">x</a>',
            '<a href="mailto:sales@example.com?subject=A%26B%20%2F%3F%22">x</a>',
        ),
    ],
)
def test_a_value_inside_an_address_is_encoded(html, clean):
    assert body_html(html, {"company": 'A&B /?"'}) == clean


def test_a_telephone_number_loses_its_spaces():
    html = '<a href="tel:{{ phone }}">x</a>'

    assert body_html(html, {"phone": "+49 30 1234"}) == '<a href="tel:+49301234">x</a>'


def test_ampersands_that_begin_like_characters_stay_parameters():
    html = '<a href="https://a.example/?a=1&copy=2&lt=3&q={{ company }}">x</a>'

    assert compiled(html).links == (
        "https://a.example/?a=1&copy=2&lt=3&q={{ company }}",
    )


@pytest.mark.parametrize(
    ("html", "column"),
    [
        ("<style>p{color:{{ a }}}</style>", 16),
        ('<p style="color:{{ a }}">x</p>', 17),
        ('<p class="{{ a }}">x</p>', 11),
        ('<p id="{% if a %}b{% endif %}">x</p>', 8),
        ('<p {% if a %}title="x"{% endif %}>x</p>', 4),
        ("<p {{ a }}>x</p>", 4),
        ("<p{{ a }}>x</p>", 3),
        ("<body bgcolor='{{ a }}'>x", 16),
        ('<a href="javascript:{{ a }}">x</a>', 21),
        ('<a href="/{{ a }}">x</a>', 11),
        ('<a href="{% if a %}javascript:x{% endif %}">x</a>', 10),
        ('<img src="http://a.example/{{ a }}">', 28),
        ('<p title="{% if a %}">x</p>{% endif %}', 11),
        ('<p title="{% signature %}">x</p>', 11),
        ('<p title="{% cid_logo %}">x</p>', 11),
        ("<p>{% cid_logo %}</p>", 4),
        ('<img src="x{% cid_logo %}">', 12),
    ],
)
def test_tags_at_places_where_they_cannot_be_filled_are_refused(html, column):
    with pytest.raises(MessageTemplateError) as refusal:
        compiled(html, images=(LOGO,))

    assert (refusal.value.field, refusal.value.line) == ("content", 1)
    assert refusal.value.column == column


@pytest.mark.parametrize(
    "html",
    [
        "<table>{% if vip %}text{% endif %}<tr><td>a</td></tr></table>",
        "<table><tr>{% if vip %}<p>text</p>{% endif %}<td>a</td></tr></table>",
        "<!-- {% if vip %} -->text{% endif %}",
        "<script>{% if vip %}</script>text{% endif %}",
        "<title>{% if vip %}</title>a{% endif %}",
    ],
)
def test_text_that_would_leave_its_condition_is_refused(html):
    with pytest.raises(MessageTemplateError) as refusal:
        compiled(html)

    assert refusal.value.field == "content"


def test_tags_in_what_is_left_out_are_left_out():
    message = compiled("<!-- {{ a }} --><script>{{ b }}</script><p on={{ c }}>{{ d }}")

    assert message.used_variables == {"d"}
