"""`massmail_rotate_secrets`: all secrets under the first key, none lost."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from common.fields import Undecryptable
from common.rotation import encrypted_fields
from massmail.models import EmailAccount, OAuthRequest
from massmail.tests.factories import EmailAccountFactory

pytestmark = pytest.mark.django_db


def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def old(settings) -> str:
    settings.FIELD_ENCRYPTION_KEYS = [key()]
    return settings.FIELD_ENCRYPTION_KEYS[0]


@pytest.fixture
def account(old) -> EmailAccount:
    account = EmailAccountFactory(
        email_host_password="geheim", access_token="acc", refresh_token="ref"
    )
    OAuthRequest.objects.create(
        state_digest="s",
        session_digest="x",
        user=account.owner,
        email_account=account,
        code_verifier="verifier",
        expires_at=timezone.now(),
    )
    return account


def rotate() -> dict[str, int]:
    out = StringIO()
    call_command("massmail_rotate_secrets", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def secrets() -> list[str]:
    account, request = EmailAccount.objects.get(), OAuthRequest.objects.get()
    return [
        account.email_host_password,
        account.access_token,
        account.refresh_token,
        request.code_verifier,
    ]


def test_every_secret_is_under_the_first_key_alone(account, old, settings):
    new = key()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]

    assert rotate() == {"rotated": 4, "unreadable": 0}

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert secrets() == ["geheim", "acc", "ref", "verifier"]


def test_a_second_time_there_is_nothing_to_do(account, old, settings):
    settings.FIELD_ENCRYPTION_KEYS = [key(), old]
    rotate()

    assert rotate() == {"rotated": 0, "unreadable": 0}


def test_what_no_key_opens_is_kept_and_told(account, old, settings):
    settings.FIELD_ENCRYPTION_KEYS = [key()]

    with pytest.raises(CommandError, match="They are kept"):
        rotate()
    assert all(isinstance(secret, Undecryptable) for secret in secrets())

    settings.FIELD_ENCRYPTION_KEYS = [old]
    assert secrets() == ["geheim", "acc", "ref", "verifier"]


def test_all_fields_with_secrets_are_found():
    names = {f"{field.model.__name__}.{field.name}" for field in encrypted_fields()}

    assert names >= {
        "EmailAccount.email_host_password",
        "EmailAccount.access_token",
        "EmailAccount.refresh_token",
        "OAuthRequest.code_verifier",
    }
