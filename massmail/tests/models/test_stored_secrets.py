"""Accounts' secrets at rest: round trips, lost keys, new keys, dumps."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection

from common.fields import DecryptionError, Undecryptable, reveal
from massmail.models import EmailAccount
from massmail.tests.factories import EmailAccountFactory

SECRET = "Zwölf Boxkämpfer – ☕"
pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings) -> list[str]:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return settings.FIELD_ENCRYPTION_KEYS


@pytest.fixture
def account(keys) -> EmailAccount:
    return EmailAccountFactory(email_host_password=SECRET)


def stored(account: EmailAccount) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT email_host_password FROM massmail_emailaccount WHERE id = %s",
            [account.pk],
        )
        return cursor.fetchone()[0]


def loaded(account: EmailAccount) -> str:
    return EmailAccount.objects.get(pk=account.pk).email_host_password


def test_the_secret_comes_back_and_is_not_in_the_database(account):
    assert loaded(account) == SECRET
    assert SECRET not in stored(account)
    assert stored(account).startswith("gAAAAA")


def test_the_same_secret_looks_different_each_time(account):
    first = stored(account)
    account.save()

    assert stored(account) != first
    assert loaded(account) == SECRET


def test_no_secret_stays_no_secret(keys):
    account = EmailAccountFactory(email_host_password="")

    assert stored(account) == ""
    assert loaded(account) == ""


@pytest.fixture
def wrong_key(account, settings) -> EmailAccount:
    """The account, in a process that has another key."""
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return EmailAccount.objects.get(pk=account.pk)


def test_a_wrong_key_loads_the_row_and_refuses_the_secret(wrong_key):
    assert wrong_key.name
    assert isinstance(wrong_key.email_host_password, Undecryptable)
    with pytest.raises(DecryptionError):
        reveal(wrong_key.email_host_password)


def test_a_secret_with_its_key_is_revealed(account):
    assert reveal(loaded(account)) == SECRET


def test_an_undecryptable_secret_does_not_print_its_ciphertext(wrong_key):
    assert repr(wrong_key.email_host_password) == "<undecryptable secret>"


def test_saving_under_a_wrong_key_keeps_what_the_right_one_opens(
    wrong_key, settings, keys
):
    before = stored(wrong_key)
    wrong_key.full_clean()
    wrong_key.name = "renamed"
    wrong_key.save()
    assert stored(wrong_key) == before

    settings.FIELD_ENCRYPTION_KEYS = keys
    assert loaded(wrong_key) == SECRET


def test_an_old_key_still_reads_and_the_first_one_writes(account, settings, keys):
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *keys]
    assert loaded(account) == SECRET

    EmailAccount.objects.get(pk=account.pk).save()

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert loaded(account) == SECRET


def test_a_dump_holds_ciphertext_and_loads_again(account):
    dump = serializers.serialize("json", [account])
    assert SECRET not in json.dumps(json.loads(dump), ensure_ascii=False)

    EmailAccount.objects.update(email_host_password="")
    for row in serializers.deserialize("json", dump):
        row.save()

    assert loaded(account) == SECRET


def test_a_dump_under_a_wrong_key_loses_nothing(wrong_key, settings, keys):
    dump = serializers.serialize("json", [wrong_key])
    for row in serializers.deserialize("json", dump):
        row.save()

    settings.FIELD_ENCRYPTION_KEYS = keys
    assert loaded(wrong_key) == SECRET


@pytest.mark.parametrize("password", ["gAAAAABk", "gAAAAA" + "x" * 94, "ä" * 100])
def test_a_password_that_resembles_ciphertext_is_still_encrypted(account, password):
    account.email_host_password = password
    account.full_clean()
    account.save()

    assert loaded(account) == password
    assert password not in stored(account)


def test_secrets_cannot_be_searched(account):
    with pytest.raises(FieldError):
        EmailAccount.objects.filter(email_host_password__startswith="Z").exists()
    assert not EmailAccount.objects.filter(email_host_password=SECRET).exists()
