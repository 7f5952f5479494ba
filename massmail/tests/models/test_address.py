"""Two spellings of one mailbox have one key; a stranger's never has the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.models.address import (
    Address,
    InvalidAddress,
    address_key,
    is_plain,
    long_way,
)


@pytest.mark.parametrize(
    ("written", "text", "wire", "domain"),
    [
        ("anna@example.com", "anna@example.com", "anna@example.com", "example.com"),
        (" anna@example.com\n", "anna@example.com", "anna@example.com", "example.com"),
        ("Anna@Example.COM", "Anna@Example.COM", "Anna@example.com", "example.com"),
        ("a+b@example.com", "a+b@example.com", "a+b@example.com", "example.com"),
        ("o'hara@example.com", "o'hara@example.com", "o'hara@example.com", None),
        ("x@bücher.de", "x@bücher.de", "x@xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("x@Bu\u0308cher.de", "x@Bücher.de", "x@xn--bcher-kva.de", None),
        ("x@faß.de", "x@faß.de", "x@xn--fa-hia.de", "xn--fa-hia.de"),
        ("x@пример.com", "x@пример.com", "x@xn--e1afmkfd.com", None),
        ("x@例え.jp", "x@例え.jp", "x@xn--r8jz45g.jp", None),
        ("x@例え。jp", "x@例え。jp", "x@xn--r8jz45g.jp", None),
        ("a.b-c_d%e@mail.example.org", None, "a.b-c_d%e@mail.example.org", None),
        ("1@2.example.com", None, "1@2.example.com", "2.example.com"),
    ],
)
def test_an_address_has_three_forms(written, text, wire, domain):
    address = Address.parse(written)

    assert address.text == (text or written)
    assert address.wire == wire
    assert address.domain == (domain or wire.rpartition("@")[2])
    assert len(address.key) == 32
    assert int(address.key, 16)


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "anna@example.com",
            "ANNA@EXAMPLE.COM",
            " Anna@Example.com ",
            "anna@example.com.",
        ),
        ("x@bücher.de", "x@BÜCHER.DE", "x@bu\u0308cher.de", "X@xn--bcher-kva.DE"),
        ("x@example.com", "x@ｅｘａｍｐｌｅ.com", "x@exam\u00adple.com"),
    ],
)
def test_spellings_of_one_mailbox_have_one_key(spellings):
    assert len({address_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@faß.de", "x@fass.de"),
        ("x@βόλος.com", "x@βόλοσ.com"),
        ("a.b@gmail.com", "ab@gmail.com"),
        ("a+b@gmail.com", "a@gmail.com"),
        ("a@example.com", "a@example.org"),
        ("a@example.com", "a@mail.example.com"),
    ],
)
def test_different_mailboxes_have_different_keys(one, other):
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "anna",
        "@",
        "@example.com",
        "anna@",
        "anna@localhost",
        "anna@example",
        "anna@example..com",
        "anna@.example.com",
        "anna@-example.com",
        "anna@exa mple.com",
        "anna@exam_ple.com",
        "anna@[192.0.2.1]",
        "anna@192.0.2.1",
        "an na@example.com",
        "anna..b@example.com",
        ".anna@example.com",
        "anna.@example.com",
        "a@b@example.com",
        '"anna b"@example.com',
        "Anna <anna@example.com>",
        "a@example.com, b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a\x00@example.com",
        "аnna@example.com",  # a Cyrillic letter
        "ß@example.com",
        "anna@\u200b",
        "x" * 65 + "@example.com",
        "x@" + "y" * 64 + ".com",
        "x@" + ".".join(["y" * 60] * 5) + ".com",
        "x" * 64 + "@" + ".".join(["y" * 47] * 4) + ".com",
        "anna@mail.test",
        "anna@mail.invalid",
    ],
)
def test_what_nobody_can_be_mailed_at_is_refused(written):
    with pytest.raises(InvalidAddress):
        Address.parse(written)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_no_address(value):
    with pytest.raises(InvalidAddress):
        Address.parse(value)


def test_the_longest_address_is_accepted():
    longest = "x" * 64 + "@" + ".".join(["y" * 60] * 3) + ".com"
    assert len(longest) <= 254

    assert Address.parse(longest).wire == longest


def test_another_secret_makes_other_keys(settings):
    before = address_key("anna@example.com")
    settings.MASSMAIL = {**settings.MASSMAIL, "ADDRESS_KEY": "another"}

    assert address_key("anna@example.com") != before


def test_keys_are_what_they_were():
    """Stored for ever: a change of the algorithm would mail who opted out."""
    assert address_key("Anna@Bücher.de") == "527da8bffb00831ec0c34c99e4bdcc94"


labels = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12
)
likely = st.tuples(labels, st.lists(labels, min_size=1, max_size=3)).map(
    lambda parts: f"{parts[0]}@{'.'.join(parts[1])}.com"
)


@given(st.one_of(st.text(), likely, st.emails()))
def test_any_text_is_an_address_or_is_refused_as_one(written):
    try:
        address = Address.parse(written)
    except InvalidAddress:
        return
    assert address.wire.isascii()
    assert address.wire.count("@") == 1
    assert not set(address.wire) & set(" \t\r\n<>,;\x00")
    assert len(address.wire) <= 254
    assert len(address.domain) <= 253


@given(st.one_of(likely, st.emails()))
def test_parsing_again_changes_nothing(written):
    try:
        address = Address.parse(written)
    except InvalidAddress:
        return
    for form in (address.text, address.wire):
        again = Address.parse(form)
        assert (again.key, again.wire, again.domain) == (
            address.key,
            address.wire,
            address.domain,
        )


@given(st.emails())
def test_capitals_make_no_difference(written):
    try:
        address = Address.parse(written)
    except InvalidAddress:
        return
    assert Address.parse(address.wire.upper()).key == address.key


LABELS = st.text("ab1-", min_size=1, max_size=5)
ENDINGS = st.sampled_from(["com", "test", "arpa", "x1", "1x", "c-m", "xn--p1ai", "a"])


@given(st.lists(LABELS, max_size=3), ENDINGS)
def test_the_short_way_takes_only_domains_that_the_long_one_leaves_as_they_are(
    labels, ending
):
    domain = ".".join([*labels, ending])

    if is_plain(domain):
        assert long_way(domain) == domain
        assert long_way(domain.upper()) == domain


def test_capitals_alone_take_no_domain_the_long_way(monkeypatch):
    monkeypatch.setattr("massmail.models.address.long_way", None)

    assert Address.parse("anna@Shop17.Example.COM").domain == "shop17.example.com"


@pytest.mark.parametrize(
    "domain", ["example.com", "1.a-b.example.org", "x" * 63 + ".de"]
)
def test_ordinary_domains_take_the_short_way(domain):
    assert is_plain(domain)
    assert long_way(domain) == domain


@pytest.mark.parametrize(
    "domain",
    [
        "localhost",
        "shop.test",
        "x" * 64 + ".de",
        "1.2.3.4",
        "xn--e1afmkfd.com",
        "a.com\n",
        "a_b.com",
        "Example.com",
    ],
)
def test_other_domains_take_the_long_way(domain):
    assert not is_plain(domain)
