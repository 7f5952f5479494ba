"""Whatever a writer types, the compiler refuses it or makes harmless HTML of it."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from massmail.content.vocabulary import ALLOWED_ELEMENTS
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.tests.content.messages import compiled

FRAGMENTS = st.sampled_from(
    [
        *("<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>", "<p ", "</p>"),
        *('<a href="', "<img src=", "title=", 'style="', " onclick=x ", "color:red"),
        *('">', '"', "'", ">", "<", "</", "/", "=", " ", "text", "<br/>", "<li>"),
        *("<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&quot;", "<b>", "</b>"),
        *("<svg>", "<math>", "<mtext>", "<desc>", "<foreignObject>", "<select>"),
        *("<style>", "</style>", "<title>", "</title>", "<script>", "</script>"),
        *("<textarea>", "<noscript>", "<template>", "<plaintext>", "<form>"),
        *("javascript:", "https://a.example/", "{{ a }}", "{# c #}"),
        *("{% if a %}", "{% if a %}x{% endif %}", "{% else %}", "{% endif %}"),
    ]
)
EVIL = "\"><script>alert(1)</script><img src=x onerror=y> ' javascript:x"
MARKER = re.compile(r"mk[0-9a-f]{24}")


class HarmlessHtml(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED_ELEMENTS
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "href":
                assert re.match("https?:|mailto:|tel:", value)
            if name == "src":
                assert re.match("https:|cid:", value)


def assert_harmless(document: str) -> None:
    reader = HarmlessHtml()
    reader.feed(document[document.find("<body") :].partition(">")[2])
    reader.close()
    assert not MARKER.search(document)


@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_fragments_of_html_and_tags(content):
    with contextlib.suppress(MessageTemplateError):
        message = compiled(content)
        for value in (EVIL, "", "https://ok.example/"):
            with contextlib.suppress(RenderError):
                assert_harmless(message.render_html({"a": value}))
                assert not MARKER.search(message.render_text({"a": value}))


@given(st.text(max_size=200))
def test_any_text_at_all(content):
    with contextlib.suppress(MessageTemplateError):
        assert_harmless(compiled(content).render_html({}))
