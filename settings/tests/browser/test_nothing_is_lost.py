"""Whatever a message holds survives the visual editor, or is not shown in it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from massmail.content.compiler import MessageSource, compile_message
from massmail.content.headers import Sender
from massmail.content.images import InlineImage
from massmail.content.starter import LAYOUTS, starter_html
from settings.tests.browser import writing
from settings.tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

SENDER = Sender("Anna", "anna@example.com")
IMAGES = (InlineImage("logo", "logo.png", "image/png", b"x"),)
VALUES = {
    "first_name": "Ann",
    "city": "Delft",
    "company": "",
    "unsubscribe_url": "https://news.example.com/u/1",
    "postal_address": "Street 1",
    "sender_name": "Anna",
    "sender_email": "anna@example.com",
}
AWKWARD = [
    "Only text, {{ first_name }} & <b>more</b>",
    "<p>One</p>two<p>three {% signature %}</p>\n\nfour",
    '<p>{{ first_name|default:"Sir <or> Madam" }}</p>',
    '<a href="https://example.com/?q={{ city|default:"a b" }}&amp;x=1">x</a>',
    "<table><tr><td>1</td></tr>{% if company %}<tr><td>2</td></tr>{% endif %}</table>",
    "<p>{% if company %}at {{ company }}{% else %}at home{% endif %}.</p>",
    "{% if company %}<p>{{ company }}</p>{% endif %}<p>End</p>",
    "<ul><li>a</li><li><p>b</p></li><li>c<ul><li>d</li></ul></li></ul>",
    '<ol start="3" type="a"><li value="7">x</li></ol>',
    "<ul>{% if city %}<li>{{ city }}</li>{% endif %}<li>b</li></ul>",
    '<h2 align="center" style="color:red" class="x">A<br>B<br clear="all"> C</h2>',
    "<p><b><i>both</i></b> <strong>x <em>y</em></strong> <s>z</s> <u>u</u></p>",
    '<p><font color="#336699">x<span style="color:#f00">y</span></font></p>',
    '<p>a<a name="here"></a>b <span class="empty"></span> c</p>',
    '<p><img src="{% cid_logo %}" alt="a &quot;b&quot; &lt;c&gt;" width="20"></p>',
    '<a href="https://example.com/"><img src="{% cid_logo %}" alt="x"></a>',
    "<pre>a\n  b\n   c</pre><hr><p>&nbsp;a&nbsp;&nbsp;b &copy; &amp;amp; &lt;b&gt;</p>",
    "<p>&#123;{ not_a_tag }} &#123;% x %} { {</p>",
    "<b><p>a block inside of text</p></b>",
    '<center><div dir="rtl">שלום {{ first_name }}</div></center>',
    '<p title="onclick = style=\'x\'" onclick="x()"  style = "margin:0">z</p>',
    "<style>p { color: red } .a > .b { margin: 0 }</style><p class='a'>x</p>",
    "<!-- a remark --><p>x<!-- inside --></p><!--[if mso]><p>y</p><![endif]-->",
    "<dl><dt>a</dt><dd>b</dd></dl><blockquote>c<p>d</p></blockquote>",
    "<p>open<div>badly <b>closed</div>text</b>",
    "<table><tr><td><table><tr><td>inner</td></tr></table></td><td></td></tr></table>",
    "<html><p>no body</p></html>",
    '<body bgcolor="#eeeeee"><p>{{ first_name }}</p></body>',
]
SOURCES = [*(starter_html(layout=layout) for layout in LAYOUTS), *AWKWARD]


def test_each_source_means_the_same_after_an_edit_that_was_undone(anna):
    writing.open_editor(anna)
    shown, lost = {}, []
    for source in SOURCES:
        written = edited_and_undone(anna, source)
        shown[source] = written is not None
        if written is not None and sent(written) != sent(source):
            lost.append((source, written))

    assert lost == []
    for layout in LAYOUTS:
        assert shown[starter_html(layout=layout)]
    # The rest is for the source tab.
    assert [source for source, is_shown in shown.items() if not is_shown] == [
        "<html><p>no body</p></html>"
    ]


def test_of_two_marks_on_the_same_words_either_may_stand_inside(anna):
    writing.open_editor(anna)

    written = edited_and_undone(anna, "<p><i><b>both</b></i></p>")

    assert written == "<p><b><i>both</i></b></p>"


def edited_and_undone(anna: Visitor, source: str) -> str | None:
    """The source as the editor writes it; None when it does not show it."""
    page = anna.page
    writing.tab(page, "HTML")
    field = writing.source(page)
    field.fill(source)
    writing.tab(page, "Visual")
    text = writing.visual(page)
    if not text.is_visible():
        expect(page.get_by_text("would lose a part of this HTML")).to_be_visible()
        assert field.input_value() == source
        return None
    assert field.input_value() == source
    text.focus()
    page.keyboard.press("Control+End")
    writing.settle(page)
    page.keyboard.type("x")
    assert field.input_value() != source
    page.keyboard.press("Control+z")
    return field.input_value()


def sent(source: str) -> tuple[str, str]:
    """What a recipient gets, as HTML and as text, but for spaces that nobody sees."""
    message = MessageSource(subject="-", content=source, images=IMAGES)
    compiled = compile_message(message, sender=SENDER, variables=None)
    html = compiled.render_html(VALUES)
    html = re.sub(r"\s*(</?(?:\w+)[^>]*>)\s*", r"\1", html)
    return re.sub(r"\s+", " ", html), re.sub(r"\s+", " ", compiled.render_text(VALUES))
