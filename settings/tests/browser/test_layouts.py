"""The layouts to begin with fit on every screen."""

from __future__ import annotations

import pytest

from massmail.content.compiler import MessageSource, compile_message
from massmail.content.headers import Sender
from massmail.content.images import InlineImage
from massmail.content.starter import LAYOUTS, starter_html
from settings.tests.browser.visitor import OVERFLOW

pytestmark = pytest.mark.browser

WIDTHS = (320, 360, 375, 414, 480, 600, 619, 621, 700, 800)
# As the library writes it: as wide as the text on a desktop.
PICTURE = (
    '<img src="{% cid_wide %}" alt="" width="520"'
    ' style="display:block;max-width:100%;height:auto">'
)
IMAGE = InlineImage("wide", "wide.png", "image/png", b"-")
VALUES = {
    "first_name": "Alexandrina-Maximiliana-Wolfeschlegelsteinhausenbergerdorff",
    "unsubscribe_url": "https://news.example.com/u/" + "x" * 150,
    "postal_address": "Larkfield Coffee Roasters Ltd, 12 Harbour Street, Rotterdam",
    "sender_name": "Anna",
    "sender_email": "anna@example.com",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_nothing_stands_out_at_any_width(chromium, layout, scheme):
    html = starter_html(layout=layout, company_name="Larkfield Coffee")
    html = html.replace("{% signature %}", f"{PICTURE}{{% signature %}}")
    message = compile_message(
        MessageSource(subject="News", content=html, images=(IMAGE,)),
        sender=Sender("Anna", "anna@example.com"),
        variables={"first_name"},
    )
    page = chromium.new_page(color_scheme=scheme)
    page.set_content(message.render_html(VALUES))

    too_wide = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if (pixels := page.evaluate(OVERFLOW)) > 0:
            too_wide[width] = pixels
    page.close()
    assert too_wide == {}
