"""The encrypted field, value by value; what it does with rows massmail's tests tell."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from common.fields import (
    DecryptionError,
    EncryptedTextField,
    Undecryptable,
    encryptor,
    is_token,
    reveal,
)

FIELD = EncryptedTextField()


def stored(value: str | None) -> str | None:
    return FIELD.get_prep_value(value)


def loaded(value: str | None) -> str | None:
    return FIELD.from_db_value(value, None, None)


@pytest.fixture
def another_key(settings) -> None:
    """Takes effect when the test asks for it."""
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_text_comes_back_and_only_as_ciphertext_is_stored(secret):
    token = stored(secret)

    assert loaded(token) == secret
    assert is_token(token)


@pytest.mark.parametrize("value", ["", None])
def test_nothing_is_stored_as_nothing(value):
    assert stored(value) == value
    assert loaded(value) == value


def test_ciphertext_of_a_lost_key_is_carried_along_and_never_used(request):
    token = stored("secret")
    request.getfixturevalue("another_key")

    value = loaded(token)

    assert isinstance(value, Undecryptable)
    assert repr(value) == "<undecryptable secret>"
    assert stored(value) == token
    assert FIELD.to_python(token) == value
    assert isinstance(FIELD.to_python(token), Undecryptable)
    with pytest.raises(DecryptionError):
        reveal(value)


def test_a_secret_whose_key_is_there_is_revealed():
    assert reveal(loaded(stored("secret"))) == "secret"


@pytest.mark.parametrize("text", ["", "gAAAAA", "gAAAAA" + "x" * 94, "ä" * 100, "a b"])
def test_no_password_is_taken_for_ciphertext(text):
    assert not is_token(text)
    assert FIELD.to_python(text) == text


@pytest.mark.parametrize("wrong", [None, [], [""], ["short"], ["not base64 " * 4]])
def test_missing_or_malformed_keys_are_an_error_of_the_deployment(settings, wrong):
    settings.FIELD_ENCRYPTION_KEYS = wrong

    with pytest.raises(ImproperlyConfigured):
        encryptor()
