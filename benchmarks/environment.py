"""The site as it runs in production, on a database that the benchmark may fill."""

from __future__ import annotations

import os
from typing import Any

from benchmarks import newsletter


def use(database: str) -> None:
    """Point this process and its children at the database (a URL)."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "settings.environments.production",
        "DATABASE_URL": database,
        "SECRET_KEY": "benchmark" * 10,
        "FIELD_ENCRYPTION_KEYS": "YmVuY2htYXJrLW9ubHkta2V5LTMyLWJ5dGVzISEhISE=",
        "ADDRESS_KEY": "benchmark",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_BASE_URL": "https://news.example.com",
        "MASSMAIL_ALLOW_PRIVATE_HOSTS": "true",
        "MASSMAIL_DNS_TIMEOUT": "0",
        "CELERY_BROKER_URL": "memory://",
        "LOG_LEVEL": "ERROR",
    }
    import django

    django.setup()


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def launched_mailing(port: int, recipients: int, lanes: int) -> int:
    """A running mailing of a new owner; returns the id of its account."""
    from django.contrib.auth import get_user_model
    from django.utils.crypto import get_random_string

    from massmail.audience.snapshot import create_mailing
    from massmail.models import EmlMessage, MassmailSettings
    from massmail.orchestrator.lifecycle import launch

    MassmailSettings(postal_address=newsletter.POSTAL_ADDRESS).save()
    name = get_random_string(12)
    owner = get_user_model().objects.create(username=name, email=f"{name}@example.com")
    account = new_account(owner, port, lanes)
    message = EmlMessage.objects.create(
        owner=owner,
        subject=newsletter.SUBJECT,
        content=newsletter.html(),
        text=newsletter.text(),
    )
    contacts = new_contacts(owner, recipients)
    launch(create_mailing(owner=owner, message=message, recipients=contacts), by=owner)
    return account.pk


def new_account(owner: Any, port: int, lanes: int) -> Any:
    """Without gaps, and with no limit that is in reach."""
    from massmail.models import EmailAccount

    return EmailAccount.objects.create(
        owner=owner,
        name=owner.username,
        from_email="news@example.com",
        from_name="Anna Sender",
        email_host="127.0.0.1",
        email_port=port,
        security="none",
        auth="none",
        min_gap_seconds=0.0,
        max_gap_seconds=0.0,
        per_day=10_000_000,
        max_connections=lanes,
    )


def new_contacts(owner: Any, count: int) -> Any:
    """So many contacts of the owner's, as a queryset."""
    from crm.models import Contact

    for start in range(0, count, 10_000):
        Contact.objects.bulk_create(
            Contact(
                first_name=f"Reader{number}",
                email=f"reader{number}@example.com",
                owner=owner,
            )
            for number in range(start, min(start + 10_000, count))
        )
    return Contact.objects.filter(owner=owner)


def number_users_on() -> None:
    """One database serves several measurements: each makes users of its own."""
    from django.contrib.auth import get_user_model

    from massmail.tests.factories import UserFactory

    UserFactory.reset_sequence(get_user_model().objects.count(), force=True)
