"""HTML, styles and addresses: what a message keeps and what it loses."""

from __future__ import annotations

import pytest

from massmail.content.css import clean_declarations, clean_style_sheet
from massmail.tests.content.messages import LOGO, body_html, compiled


@pytest.mark.parametrize(
    "html",
    [
        '<table width="600" cellpadding="0" cellspacing="0" border="0" align="center"'
        ' bgcolor="#ffffff" role="presentation"><tbody><tr><td valign="top"'
        ' height="20">a</td></tr></tbody></table>',
        '<p style="margin:0 0 8px;color:#333 !important">a</p>',
        '<a href="https://example.com/a?b=1&amp;c=2#d" target="_blank">a</a>',
        '<a href="mailto:a@example.com">a</a> <a href="tel:+49301234">b</a>',
        '<img src="https://example.com/a.png" alt="A" width="10" height="10">',
        '<h1>a</h1><ul><li>b</li></ul><ol start="3"><li>c</li></ol><hr>',
        '<font face="Arial" size="2" color="red">a</font><center>b</center>',
        '<div dir="rtl" lang="ar" aria-hidden="true" class="x" id="y">a</div>',
        "<b>a</b><i>b</i><u>c</u><s>d</s><sup>e</sup><br>x &lt; y &amp; z",
    ],
)
def test_what_newsletters_need_stays(html):
    assert body_html(html) == html


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<script>alert(1)</script>a", "a"),
        ("<ScRiPt src=//evil.example>x</sCrIpT >a", "a"),
        ("a<!-- comment --><!--[if mso]>b<![endif]-->c", "ac"),
        ('<p onclick="x()" onmouseover=x()>a</p>', "<p>a</p>"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="java&#10;script:alert(1)">a</a>', "<a>a</a>"),
        ('<a href=" &#1;javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,x">a</a>', "<a>a</a>"),
        ('<a href="vbscript:x">a</a><a href="/x">b</a>', "<a>a</a><a>b</a>"),
        ('<a href="cid:x@y">a</a>', "<a>a</a>"),
        ('<img src="data:image/png;base64,AAAA" alt="A">', '<img alt="A">'),
        ('<img src="http://example.com/a.png">', "<img>"),
        ('<img src=x onerror="alert(1)">', "<img>"),
        ('<form action="/x"><input name="a"><button>b</button></form>', "b"),
        ('<iframe src="https://evil.example">x</iframe>a', "a"),
        ("<svg><a xlink:href='javascript:x'><text>t</text></a></svg>", "<a>t</a>"),
        ("<math><mtext><style><img src onerror=x></style></mtext></math>a", "a"),
        ("<object data=x><embed src=x></object>a<base href=//x><meta a=b>", "a"),
        ('<link rel="stylesheet" href="https://x.example/a.css">a', "a"),
        ("<textarea><p>x</textarea>a<title>t</title>", "a"),
        ("<noscript><p title='</noscript><img src=x onerror=x>'>", "<img>'&gt;"),
        ('<p style="position:fixed;color:red">a</p>', '<p style="color:red">a</p>'),
        ('<p style="background:url(//x)">a</p>', "<p>a</p>"),
        ('<p style="width:expression(x())">a</p>', "<p>a</p>"),
        ('<p style="color:r\\65 d;behavior:url(x)">a</p>', "<p>a</p>"),
        ('<p class="a" CLASS="b">c</p>', '<p class="a">c</p>'),
        ("<p>a < b <3 <- </p>", "<p>a &lt; b &lt;3 &lt;- </p>"),
        ("<p>a<b>b", "<p>a<b>b</b></p>"),
        ("<p title='\"&lt;'>a</p>", '<p title="&quot;&lt;">a</p>'),
        ("<!DOCTYPE html><head></head><body><p>a</p></body></html>", "<p>a</p>"),
    ],
)
def test_the_rest_goes(html, clean):
    assert body_html(html) == clean


@pytest.mark.parametrize(
    ("declarations", "clean"),
    [
        ("color: red ; margin:0", "color:red;margin:0"),
        ("COLOR:Red", "color:Red"),
        ("color:rgb(1, 2, 3)!important", "color:rgb(1, 2, 3)!important"),
        ("font-family:'Segoe UI', \"Arial\"", "font-family:'Segoe UI', \"Arial\""),
        ("mso-line-height-rule:exactly", "mso-line-height-rule:exactly"),
        ("-webkit-text-size-adjust:100%", "-webkit-text-size-adjust:100%"),
        ("background:linear-gradient(#fff, #000)", None),
        ("/* a */color:red/* ; margin:0 */", "color:red"),
        ("color", ""),
        ("color:", ""),
        (":red", ""),
        ("background-image:image-set('a' 1x)", ""),
        ("background:URL(x)", ""),
        ("background:u\\72l(x)", ""),
        ("color:javascript:x", ""),
        ("-moz-binding:x", ""),
        ("--x:y;color:var(--x)", ""),
        ("font-family:'a;color:red", "color:red"),
        ("content:'x'", ""),
        ("color:red}body{color:blue", ""),
        ("color:</style>", ""),
        ("width:calc(100% - 10px)", "width:calc(100% - 10px)"),
        ("width:calc(100%", ""),
    ],
)
def test_declarations(declarations, clean):
    assert clean_declarations(declarations) == (
        declarations if clean is None else clean
    )


@pytest.mark.parametrize(
    ("style_sheet", "clean"),
    [
        ("p, .a > b:hover { color : red }", "p, .a > b:hover{color:red}"),
        ("@import url(https://x.example/a.css); p{margin:0}", "p{margin:0}"),
        ("@import 'a.css';p{margin:0}", "p{margin:0}"),
        ("@font-face{src:url(x)}p{margin:0}", "p{margin:0}"),
        ("@charset 'x';@namespace x;p{margin:0}", "p{margin:0}"),
        (
            "@media only screen and (max-width: 600px) { .a{width:100%!important}"
            " @import 'x'; .b{position:fixed} }",
            "@media only screen and (max-width: 600px){.a{width:100%!important}}",
        ),
        ("@media (prefers-color-scheme:dark){p{color:#fff}}", None),
        ("@media screen{@media print{p{margin:0}}}", ""),
        ("@supports (x:y){p{margin:0}}", ""),
        ("p{position:fixed}", ""),
        ("p{margin:0", ""),
        ("}p{margin:0}", "p{margin:0}"),
        ("<!-- p{margin:0} -->", "p{margin:0}"),
        ("p{margin:0}</style><script>", "p{margin:0}"),
        ("p\\{x}{margin:0}", ""),
        ("/* p{margin:0}", ""),
    ],
)
def test_style_sheets(style_sheet, clean):
    result = "\n".join(filter(None, clean_style_sheet(style_sheet).split("\n")))

    assert result == (style_sheet if clean is None else clean)


def test_styles_are_inlined_and_media_queries_stay_in_the_head():
    document = compiled(
        "<style>p{color:red} @media (max-width:600px){.a{color:blue}} a:hover{margin:0}"
        '</style><p class="a">x</p>'
    ).render_html({})

    head, _, body = document.partition("</head>")
    assert "<style>@media (max-width:600px){.a{color:blue}}</style>" in head
    assert '<body><p class="a" style="color: red;">x</p></body>' in body


def test_the_attributes_of_html_and_body_are_kept_as_far_as_they_are_harmless():
    document = compiled(
        '<html lang="ar" dir="RTL" onload=x><head></head>'
        '<body bgcolor="#eee" onload="x()" style="margin:0;position:fixed">a</body>'
    ).render_html({})

    assert '<html lang="ar" dir="rtl"><head>' in document
    assert '<body bgcolor="#eee" style="margin:0">a</body>' in document


@pytest.mark.parametrize("lang", ['"><script>', "a", "x" * 99, "de de"])
def test_a_strange_language_is_left_out(lang):
    document = compiled(f"<html lang='{lang}'>a").render_html({})

    assert "<!DOCTYPE html>\n<html><head>" in document


def test_a_picture_of_the_message_keeps_its_address():
    html = '<img src="{% cid_logo %}" alt="Logo">'

    assert body_html(html, images=(LOGO,)) == (f'<img src="cid:{LOGO.cid}" alt="Logo">')
