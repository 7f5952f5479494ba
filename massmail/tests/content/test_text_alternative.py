"""The text part that is made from the HTML."""

from __future__ import annotations

import pytest

from massmail.tests.content.messages import compiled, text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("<div>One</div><div>Two</div>", "One\nTwo\n"),
        ("<h1>Title</h1>\n  <p>One\n two</p>", "Title\n\nOne two\n"),
        ("One<br>two<br><br>three<br/><br/><br/>four", "One\ntwo\n\nthree\n\nfour\n"),
        ("<b>Bold</b>, <i>italic</i>.", "Bold, italic.\n"),
        ("<ul><li>One</li><li><p>Two</p></li></ul>", "- One\n- Two\n"),
        ("<ol start='9'><li>One<li>Two</ol>After", "9. One\n10. Two\n\nAfter\n"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "- a\n\n  - b\n"),
        ("a<hr>b", "a\n--------------------\nb\n"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc\n"),
        (
            "<table><tr><td>Name</td><td>Price</td></tr><tr><td>Tea</td><td>2 €</td>"
            "</tr></table>",
            "Name Price\nTea 2 €\n",
        ),
        (
            '<a href="https://a.example/?b=1&amp;c=2">Shop</a>.',
            "Shop (https://a.example/?b=1&c=2).\n",
        ),
        ('<a href="https://a.example">https://a.example</a>', "https://a.example\n"),
        ('<a href="mailto:a@example.com">a@example.com</a>', "a@example.com\n"),
        ('<a name="x">Anchor</a>', "Anchor\n"),
        (
            '<a href="https://a.example"><img src="https://a.example/" alt="Logo"></a>',
            "Logo (https://a.example)\n",
        ),
        (
            '<a href="https://a.example"><img src="https://a.example/x"></a>',
            "https://a.example\n",
        ),
        ('<p style="display:none">hidden<b>x</b><br></p>shown', "shown\n"),
        ("&lt;b&gt; &amp; &nbsp;x", "<b> & \xa0x\n"),
        ("<p> </p>", ""),
        ('<img src="https://a.example/x">', ""),
    ],
)
def test_html_as_text(html, text):
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "with_vip", "without"),
    [
        (
            "<p>A</p>{% if vip %}<p>B</p>{% endif %}<p>C</p>",
            "A\n\nB\n\nC\n",
            "A\n\nC\n",
        ),
        ("<p>A</p>{% if vip %}B{% endif %} C", "A\n\nB C\n", "A\n\n C\n"),
        ("Dear {% if vip %}B{% else %}friend{% endif %}, x", "Dear B, x\n", None),
        (
            "<p>A</p>{% if vip %}{% if vip %}B{% endif %}{% endif %}C",
            "A\n\nBC\n",
            "A\n\nC\n",
        ),
        (
            "<ul><li>a</li>{% if vip %}<li>b</li>{% endif %}</ul><p>c</p>",
            "- a\n- b\n\nc\n",
            "- a\n\nc\n",
        ),
        ("{% if vip %}<p>B</p>{% endif %}<p>C</p>", "B\n\nC\n", None),
        ("<p>A</p>{% if vip %}<p>B</p>{% else %}<p>C</p>{% endif %}", None, "A\n\nC\n"),
    ],
)
def test_a_branch_that_is_not_shown_leaves_no_empty_lines(html, with_vip, without):
    if with_vip is not None:
        assert text_of(html, {"vip": "yes"}) == with_vip
    if without is not None:
        assert text_of(html, {"vip": ""}) == without


def test_values_are_raw_in_text_and_encoded_in_addresses():
    html = (
        '<p>{{ company }} <a href="https://a.example/?q={{ company }}">Shop</a>'
        ' <a href="{{ website }}">{{ website }}</a></p>'
    )

    assert text_of(html, {"company": "A & <B>"}) == (
        "A & <B> Shop (https://a.example/?q=A%20%26%20%3CB%3E) "
        "https://acme.example.org/ (https://acme.example.org/)\n"
    )


def test_the_preheader_is_not_repeated_in_the_text():
    assert compiled("<p>A</p>", preheader="Look inside").render_text({}) == "A\n"


@pytest.mark.parametrize(
    ("html", "with_vip", "without"),
    [
        (
            '{% if vip %}<a href="https://a.example">{% else %}'
            '<a href="https://b.example">{% endif %}Offer</a> here',
            "Offer (https://a.example) here\n",
            "Offer (https://b.example) here\n",
        ),
        (
            '{% if vip %}<a href="https://a.example">Best {% else %}'
            '<a href="https://b.example">Good {% endif %}offer</a>',
            "Best offer (https://a.example)\n",
            "Good offer (https://b.example)\n",
        ),
        (
            '<p>{% if vip %}<a href="https://a.example">{% endif %}Offer</a></p>x',
            "Offer (https://a.example)\n\nx\n",
            "Offer\n\nx\n",
        ),
        (
            '{% if vip %}<a href="https://a.example">{% elif first_name %}'
            '{% if company %}<a href="https://b.example">{% else %}'
            '<a href="https://c.example">{% endif %}{% endif %}Offer</a>',
            "Offer (https://a.example)\n",
            "Offer (https://b.example)\n",
        ),
        (
            '{% if vip %}<a href="https://a.example">{% endif %}'
            "Offer{% if vip %}</a>{% endif %}",
            "Offer (https://a.example)\n",
            "Offer\n",
        ),
    ],
)
def test_a_link_opened_in_a_branch_has_that_branchs_target(html, with_vip, without):
    assert text_of(html, {"vip": "yes"}) == with_vip
    assert text_of(html, {"vip": ""}) == without
