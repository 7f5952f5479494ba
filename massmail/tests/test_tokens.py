"""Public tokens: encrypted, for one purpose, good for ever."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail import tokens
from massmail.models.address import address_key
from massmail.tokens import InvalidToken, Token

KEY = "0123456789abcdef0123456789abcdef"
keys = st.binary(min_size=16, max_size=16).map(bytes.hex)
ids = st.integers(0, 2**63 - 1)


def make(purpose="unsubscribe", delivery_id=42, key=KEY):
    return tokens.make(purpose, delivery_id=delivery_id, address_key=key)


@given(ids, keys, st.text(max_size=30))
def test_what_was_sealed_is_read(delivery_id, key, purpose):
    text = make(purpose, delivery_id, key)

    assert tokens.read(purpose, text) == Token(delivery_id, key)


@given(ids, keys)
def test_a_token_is_short_and_fits_into_any_url(delivery_id, key):
    text = make(delivery_id=delivery_id, key=key)

    assert len(text) == 54
    assert set(text) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_the_same_mail_always_has_the_same_token():
    assert make() == make()


def test_a_token_of_yesterday_is_read_today():
    """Mail that was sent once is out there for years."""
    text = make(key=address_key("anna@example.com"))

    assert text == "vADWFszSMJ91-4Ija6-bsiAqM3xPdOwJag8H1tSktGOr5R-S4u4E3g"
    assert tokens.read("unsubscribe", text).delivery_id == 42


def test_each_part_changes_all_of_it():
    first = make()
    others = [make("click"), make(delivery_id=43), make(key=KEY[::-1])]

    assert len({first, *others}) == 4
    assert all(first[:8] != other[:8] for other in others)


def test_nothing_of_it_is_in_clear():
    sealed = base64.urlsafe_b64decode(make() + "==")

    assert bytes.fromhex(KEY)[:4] not in sealed
    assert (42).to_bytes(8, "big") not in sealed


def test_a_token_for_another_purpose_does_not_open():
    with pytest.raises(InvalidToken):
        tokens.read("click", make("unsubscribe"))


def test_a_token_of_another_secret_does_not_open(settings):
    text = make()
    settings.MASSMAIL = {**settings.MASSMAIL, "ADDRESS_KEY": "another"}

    with pytest.raises(InvalidToken):
        tokens.read("unsubscribe", text)


@pytest.mark.parametrize("position", range(0, 53, 4))
def test_a_changed_letter_does_not_open(position):
    text = make()
    letter = "A" if text[position] != "A" else "B"

    with pytest.raises(InvalidToken):
        tokens.read("unsubscribe", text[:position] + letter + text[position + 1 :])


@pytest.mark.parametrize("length", range(54))
def test_a_cut_token_does_not_open(length):
    with pytest.raises(InvalidToken):
        tokens.read("unsubscribe", make()[:length])


@pytest.mark.parametrize("text", [make() + make(), make() + "AAAA", "AAAA" + make()])
def test_a_longer_token_does_not_open(text):
    with pytest.raises(InvalidToken):
        tokens.read("unsubscribe", text)


@pytest.mark.parametrize("behind", [".", ">", ")", "/", " ", "”", "&x=1", "=", "\n"])
def test_what_a_mail_program_takes_along_does_not_matter(behind):
    assert tokens.read("unsubscribe", make() + behind).delivery_id == 42


@given(st.one_of(st.text(), st.text("ABCDEFab01-_=", max_size=80)))
def test_garbage_is_an_invalid_token_and_nothing_worse(text):
    with pytest.raises(InvalidToken):
        tokens.read("unsubscribe", text)


def test_the_words_for_an_invalid_token_tell_nothing():
    with pytest.raises(InvalidToken, match=r"^This link is not valid\.$"):
        tokens.read("unsubscribe", "x")
