"""What is reported before a launch."""

from __future__ import annotations

import pytest

from massmail.content.preflight import preflight
from massmail.tests.content.messages import compiled

GOOD_HTML = '<p>x <a href="{{ unsubscribe_url }}">Out</a> {{ postal_address }}</p>'
GOOD_TEXT = "x {{ unsubscribe_url }} {{ postal_address }}"


def codes(message, **changes) -> list[str]:
    settings = {
        "postal_address": "Acme & Co\n1 Main Street",
        "public_base_url": "https://news.example.com",
        "require_https": True,
    }
    return [finding.code for finding in preflight(message, **{**settings, **changes})]


def test_a_good_message_has_no_findings():
    assert codes(compiled(GOOD_HTML)) == []
    assert codes(compiled(text=GOOD_TEXT)) == []


@pytest.mark.parametrize(
    "link",
    [
        "",
        "{{ unsubscribe_url }}",
        '<!-- <a href="{{ unsubscribe_url }}">Out</a> -->',
        '{% if vip %}<a href="{{ unsubscribe_url }}">Out</a>{% endif %}',
        '{% if vip %}<a href="{{ unsubscribe_url }}">Out</a>{% else %}x{% endif %}',
        '<a href="{{ unsubscribe_url|upper }}">Out</a>',
        '<a href="https://a.example/{{ unsubscribe_url }}">Out</a>',
    ],
)
def test_html_without_a_link_for_everybody(link):
    message = compiled(f"<p>x {{{{ postal_address }}}} {link}</p>", text=GOOD_TEXT)

    assert codes(message) == ["no_unsubscribe_link"]


@pytest.mark.parametrize(
    "link",
    [
        '<img src="{{ unsubscribe_url }}" alt="Out" width="1">',
        '<table background="{{ unsubscribe_url }}"><tr><td>Out</td></tr></table>',
        '<a href="{{ unsubscribe_url }}"></a>',
        '<a href="{{ unsubscribe_url }}"> &nbsp;&#8203;</a>',
        '<a href="{{ unsubscribe_url }}"><b style="display:none">Out</b></a>',
        '<div style="display: none"><a href="{{ unsubscribe_url }}">Out</a></div>',
        '<a href="{{ unsubscribe_url }}" style="visibility:hidden">Out</a>',
        "<style>.a { display: none }</style>"
        '<p class="a"><a href="{{ unsubscribe_url }}">Out</a></p>',
    ],
)
def test_a_link_that_nobody_can_click_is_none(link):
    message = compiled(f"<p>x {{{{ postal_address }}}}</p>{link}", text=GOOD_TEXT)

    assert "no_unsubscribe_link" in codes(message)


@pytest.mark.parametrize(
    "link",
    [
        '<a href="{{ unsubscribe_url }}"><b>{{ first_name }}</b></a>',
        '<a href="{{ unsubscribe_url }}"><img src="https://a.example/x.png" '
        'alt="Out" width="9"></a>',
        '<a href="{{ unsubscribe_url }}"></a><a href="{{ unsubscribe_url }}">Out</a>',
        '<p style="display:none"><a href="{{ unsubscribe_url }}">Out</a></p>'
        '<p><a href="{{ unsubscribe_url }}">🚪</a></p>',
        "<style>@media (max-width: 9px) { .a { display: none } }</style>"
        '<a class="a" href="{{ unsubscribe_url }}">Out</a>',
    ],
)
def test_one_that_can_be_clicked_is_enough(link):
    message = compiled(f"<p>x {{{{ postal_address }}}}</p>{link}", text=GOOD_TEXT)

    assert "no_unsubscribe_link" not in codes(message)


@pytest.mark.parametrize(
    "address",
    [
        '<p style="display:none">{{ postal_address }}</p>',
        '<p style="display:none">Acme &amp; Co, 1 Main Street</p>',
        '<p title="{{ postal_address }}">x</p>',
        '<p title="Acme &amp; Co, 1 Main Street">x</p>',
    ],
)
def test_an_address_that_nobody_can_read_is_none(address):
    link = '<a href="{{ unsubscribe_url }}">Out</a>'

    assert codes(compiled(link + address, text=GOOD_TEXT)) == ["no_postal_address"]


def test_a_link_in_every_branch_is_a_link_for_everybody():
    link = '<a href="{{ unsubscribe_url }}">Out</a>'
    branches = (
        f"{{% if vip %}}{link}{{% elif a %}}{link}{{% else %}}{link}{{% endif %}}"
    )

    assert codes(compiled(f"<p>{{{{ postal_address }}}}</p>{branches}")) == []


def test_text_without_the_address():
    message = compiled(GOOD_HTML, text="x {{ postal_address }}")

    assert codes(message) == ["no_unsubscribe_url_in_text"]


def test_the_unsubscribe_link_cannot_be_overridden():
    findings = preflight(
        compiled("<p>x</p>"),
        postal_address="",
        public_base_url="http://news.example.com",
        require_https=True,
    )

    assert [(f.code, f.level, f.overridable) for f in findings] == [
        ("no_unsubscribe_link", "blocking", False),
        ("no_unsubscribe_url_in_text", "blocking", False),
        ("no_postal_address_set", "blocking", True),
        ("public_url_not_https", "blocking", True),
    ]
    assert all(str(finding.message) for finding in findings)


def test_a_postal_address_may_be_written_out():
    html = '<a href="{{ unsubscribe_url }}">Out</a>'

    assert codes(compiled(f"{html}<p>Acme &amp; Co<br>1 Main Street</p>")) == []
    assert codes(compiled(f"{html}<p>Acme &amp; Co</p>")) == ["no_postal_address"]


def test_an_empty_message():
    assert codes(compiled(subject=" ")) == [
        "empty_subject",
        "empty_body",
        "no_unsubscribe_url_in_text",
    ]


def test_a_message_of_pictures_has_no_text_part():
    message = compiled('<img src="https://a.example/x.png">')

    assert "no_text_part" in codes(message)
    assert "empty_body" not in codes(message)


@pytest.mark.parametrize(
    ("url", "require_https", "found"),
    [
        ("", True, ["no_public_url"]),
        ("news.example.com", False, ["no_public_url"]),
        ("https://", False, ["no_public_url"]),
        ("http://news.example.com", True, ["public_url_not_https"]),
        ("http://news.example.com", False, []),
    ],
)
def test_the_public_address(url, require_https, found):
    message = compiled(GOOD_HTML)

    assert codes(message, public_base_url=url, require_https=require_https) == found
