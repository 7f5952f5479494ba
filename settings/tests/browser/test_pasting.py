"""What is pasted or dropped into a message, and what is left of it."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from massmail.models import LibraryImage
from settings.tests.browser import writing

pytestmark = pytest.mark.browser

HAND_OVER = """
(element, [kind, html, file]) => {
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  if (file) {
    const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
    data.items.add(new File([bytes], "Our team.png", { type: "image/png" }));
  }
  const { left, top } = element.getBoundingClientRect();
  const common = { bubbles: true, cancelable: true };
  const place = { clientX: left + 20, clientY: top + 20 };
  element.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", { ...common, clipboardData: data })
    : new DragEvent("drop", { ...common, ...place, dataTransfer: data }));
}
"""
WORD = """
<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>
<style>p.MsoNormal { font-family: Calibri }</style><!--[if gte mso 9]><xml>x</xml>
<![endif]--></head><body lang=EN-GB><!--StartFragment-->
<h1 style='color:#2F5496'>Prices<o:p></o:p></h1>
<p class=MsoNormal style='margin:0cm'><span style='font-family:"Comic Sans MS";
color:red'>Good <b>news</b> &amp; <i style='mso-bidi-font-style:normal'>more</i></span>
<a href="https://example.com/a"><span style='color:blue'>here</span></a><o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='mso-list:l0 level1 lfo1'><span
style='mso-list:Ignore'>·<span style='font:7.0pt'>&nbsp;&nbsp; </span></span>One</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span
style='mso-list:Ignore'>·<span>&nbsp; </span></span>Two</p>
<p><span style='display:none'>hidden words</span>End</p><!--EndFragment--></body></html>
"""
SHEET = """
<html><body><table border=0 width=128><caption>Spring</caption><col width=64><col>
<tr height=20><td class=xl65 colspan=2 style='color:red'>Coffee</td></tr>
<tr><td>Name</td><td onclick="x()"><b>Price</b></td></tr>
<tr><td><p>Huila</p><p>new</p></td><td>12</td></tr></table></body></html>
"""
WEB = """
<meta charset="utf-8"><script>alert(1)</script>
<div onclick="alert(1)" style="position:fixed" class="module">
<span style="font-weight: 700">Bold</span>
<a href="javascript:alert(1)" onmouseover="alert(1)">click</a>
<img src="https://example.com/spy.gif" onerror="alert(1)"><iframe src="/"></iframe>
</div><form action="/"><input value="x"><button>Go</button></form>
"""

# Another page can pretend that its words were copied here.
PRETENDED = """
<p data-pm-slice="0 0 []">Good <script data-massmail-formatting>0</script>
<style data-massmail-formatting>.message-canvas { display: none }</style>
<strong tag="style">bold</strong> <a href="https://example.com/" tag="script">link</a>
<em data-massmail-kept="{">news</em> <u data-massmail-kept="null">for</u>
<img data-massmail-kept='{"src": 5}'><cite data-massmail-formatting>you</cite></p>
<fieldset data-massmail-box><p>End</p></fieldset>
"""


def hand_over(page: Page, kind: str, *, html: str = "", file: bytes = b"") -> None:
    data = base64.b64encode(file).decode()
    writing.visual(page).evaluate(HAND_OVER, [kind, html, data])


def emptied(anna) -> Page:
    """The page of a new message that says nothing."""
    writing.open_editor(anna)
    page = anna.page
    writing.tab(page, "HTML")
    writing.source(page).fill("<p>-</p>")
    writing.tab(page, "Visual")
    writing.visual(page).get_by_text("-").click(click_count=3)
    writing.settle(page)
    return page


def team_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 20), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_words_from_word_keep_headings_lists_links_and_emphasis(anna):
    page = emptied(anna)

    hand_over(page, "paste", html=WORD)

    expect(writing.visual(page).get_by_role("heading", name="Prices")).to_be_visible()
    assert writing.source(page).input_value().split("\n") == [
        "<h1>Prices</h1>",
        "<p>Good <strong>news</strong> &amp; <em>more</em> "
        '<a href="https://example.com/a">here</a></p>',
        "<ul>",
        "<li>One</li>",
        "<li>Two</li>",
        "</ul>",
        "<p>End</p>",
    ]


def test_a_pasted_table_keeps_its_rows_and_columns(anna):
    page = emptied(anna)

    hand_over(page, "paste", html=SHEET)

    expect(writing.visual(page).get_by_role("cell", name="Price")).to_be_visible()
    assert writing.source(page).input_value().replace("\n", "") == (
        '<p>Spring</p><table cellpadding="6"><tbody>'
        '<tr><td colspan="2">Coffee</td></tr>'
        "<tr><td>Name</td><td><strong>Price</strong></td></tr>"
        "<tr><td><p>Huila</p><p>new</p></td><td>12</td></tr></tbody></table>"
    )


def test_of_a_pasted_layout_no_two_cells_become_one_word(anna):
    page = emptied(anna)

    hand_over(
        page,
        "paste",
        html="<table><tr><td>One</td><td><table><tr><td>Two</td></tr></table></td>"
        "</tr></table><table><tr><td>Three</td></tr><tr><td>Four</td></tr></table>",
    )

    expect(writing.visual(page).get_by_text("One")).to_be_visible()
    assert writing.source(page).input_value().split("\n") == [
        "<p>One</p>",
        "<p>Two</p>",
        "<p>Three</p>",
        "<p>Four</p>",
    ]


def test_nothing_of_a_web_page_but_its_words_arrives(anna):
    page = emptied(anna)

    hand_over(page, "paste", html=WEB)

    expect(writing.visual(page).get_by_text("Bold")).to_be_visible()
    html = writing.source(page).input_value()
    assert "<strong>Bold</strong>" in html
    for word in ("script", 'alert(1)"', "spy", "iframe", "<input", "style", "class"):
        assert word not in html
    anna.look_around()


def test_a_pasted_tag_is_a_tag(anna):
    page = emptied(anna)

    hand_over(page, "paste", html="<p>Dear {{ first_name }}, hello</p>")

    chip = writing.visual(page).locator("[data-massmail-atom=tag]")
    expect(chip).to_have_text("first_name")
    assert writing.source(page).input_value() == ("<p>Dear {{ first_name }}, hello</p>")


@pytest.mark.parametrize(
    "tag", ["{{ first_name }}", '{{ city|default:"your town" }}', "{% signature %}"]
)
def test_a_tag_that_is_typed_is_that_tag_and_no_more(anna, tag):
    page = emptied(anna)

    page.keyboard.type(f"Dear {tag}, hello")

    expect(writing.visual(page).locator("[data-massmail-atom=tag]")).to_have_count(1)
    expect(writing.source(page)).to_have_value(f"<p>Dear {tag}, hello</p>")


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_file_goes_to_the_library_and_into_the_text(anna, kind):
    page = emptied(anna)

    hand_over(page, kind, file=team_picture())

    expect(writing.visual(page).locator("img[data-massmail-kept]")).to_be_visible()
    image = LibraryImage.objects.latest("pk")
    assert (image.tag, image.owner) == ("our_team", anna.site.anna)
    assert 'src="{% cid_our_team %}"' in writing.source(page).input_value()


def test_a_file_that_only_pretends_is_refused_in_words(anna):
    page = emptied(anna)
    pictures = LibraryImage.objects.count()

    hand_over(page, "paste", file=b"<svg onload='alert(1)'>")

    expect(
        page.get_by_text("This is no PNG, JPEG, GIF or WebP picture.")
    ).to_be_visible()
    assert LibraryImage.objects.count() == pictures


def test_a_picture_of_the_library_is_pasted_as_it_is(anna):
    image = LibraryImage.objects.latest("pk")
    page = emptied(anna)
    address = page.locator(f"[data-message-picture={image.tag}] img").evaluate(
        "image => image.src"
    )

    hand_over(page, "paste", html=f'<img src="{address}">', file=team_picture())

    expect(writing.visual(page).locator("img[data-massmail-kept]")).to_be_visible()
    assert f"{{% cid_{image.tag} %}}" in writing.source(page).input_value()
    assert LibraryImage.objects.latest("pk") == image


def test_what_is_copied_here_comes_back_whole(anna):
    page = emptied(anna)
    source = '<p class="x">Dear {{ first_name|default:"friend" }}</p>'
    writing.tab(page, "HTML")
    writing.source(page).fill(source)
    writing.tab(page, "Visual")
    writing.visual(page).focus()

    for keys in ("Control+a", "Control+c", "Control+End", "Enter", "Control+v"):
        page.keyboard.press(keys)
        writing.settle(page)

    expect(writing.source(page)).to_have_value(f"{source}\n{source}")


def test_what_only_pretends_to_be_copied_here_becomes_no_other_element(anna):
    page = emptied(anna)

    hand_over(page, "paste", html=PRETENDED)

    canvas = writing.visual(page)
    expect(canvas.get_by_text("End")).to_be_visible()
    expect(canvas.locator("script, style, fieldset, [href]")).to_have_count(0)
    html = writing.source(page).input_value()
    for part in ("<strong>bold</strong>", "<em>news</em>", "<cite>you</cite>"):
        assert part in html
    for name in ("<script", "<style", "<fieldset"):
        assert name not in html
    anna.look_around()


def test_the_panel_below_writes_into_the_visual_editor(anna):
    page = emptied(anna)
    page.get_by_role("button", name="{{ city }}", exact=True).click()

    assert writing.source(page).input_value() == "<p>{{ city }}</p>"
