"""Accounts, messages and contacts by the million, for benchmarks.

Contacts are made by the database itself, so that filling takes no time worth telling.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.environment import number_users_on

# One of a hundred shares its address with another, one of fifty opted out, one of a
# hundred is somebody else's.
CONTACTS = """
INSERT INTO crm_contact (
    created_at, updated_at, email, accepts_mailings, disqualified, title, first_name,
    middle_name, last_name, phone, language, time_zone, owner_id
)
WITH RECURSIVE numbers(n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(count)s
)
SELECT
    CURRENT_TIMESTAMP, CURRENT_TIMESTAMP,
    'reader' || mailbox || '@company' || (mailbox %% 5000) || '.example.com',
    n %% 50 <> 1, n %% 97 = 1, '', 'Reader' || n, '', 'Number' || n, '', 'en',
    CASE n %% 3 WHEN 0 THEN 'Europe/Berlin' WHEN 1 THEN 'Europe/Paris' ELSE '' END,
    CASE WHEN n %% 100 = 2 THEN %(other)s ELSE %(owner)s END
FROM (
    SELECT n, CASE WHEN n %% 100 = 0 THEN n - 1 ELSE n END AS mailbox FROM numbers
) AS people
"""


def prepare_environment(database: str, folder: Path) -> None:
    """Settings of the production kind on the given database, or a SQLite file."""
    url = database or f"sqlite:///{folder / 'bench.sqlite3'}"
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "settings.environments.production",
        "DATABASE_URL": url,
        "SECRET_KEY": "benchmark" * 10,
        "FIELD_ENCRYPTION_KEYS": "YmVuY2htYXJrLW9ubHkta2V5LTMyLWJ5dGVzISEhISE=",
        "ADDRESS_KEY": "benchmark",
        "ALLOWED_HOSTS": "testserver",
        "SECURE_SSL_REDIRECT": "false",
        "PUBLIC_BASE_URL": "https://news.example.com",
        "MASSMAIL_ALLOW_PRIVATE_HOSTS": "true",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    import django
    from django.conf import settings
    from django.core.management import call_command

    # The accounts' domains are made up; nobody is asked for them.
    settings.MASSMAIL["DNS_TIMEOUT"] = 0
    django.setup()
    call_command("migrate", verbosity=0)
    number_users_on()


def manager(accounts: int = 3) -> Any:
    """A superuser with accounts for mass mail, and settings that allow a launch."""
    from massmail.models import MassmailSettings
    from massmail.tests.factories import EmailAccountFactory, SuperuserFactory

    MassmailSettings(postal_address="1 Main Street").save()
    owner = SuperuserFactory()
    EmailAccountFactory.create_batch(accounts, owner=owner)
    return owner


def add_contacts(owner: Any, count: int) -> None:
    from django.db import connection

    from massmail.tests.factories import UserFactory

    people = {"owner": owner.pk, "other": UserFactory().pk}
    with connection.cursor() as cursor:
        cursor.execute(CONTACTS, people | {"count": count})
        cursor.execute("ANALYZE")
