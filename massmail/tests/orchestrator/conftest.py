"""A draft that can be launched, and the people around it."""

from __future__ import annotations

import pytest

from massmail.tests.factories import EmailAccountFactory, UserFactory
from massmail.tests.mailings import draft, ready_settings


@pytest.fixture
def anna(db):
    return UserFactory(username="anna")


@pytest.fixture
def ready(anna):
    """A draft of Anna's to three customers, and an account to send it from."""
    ready_settings()
    EmailAccountFactory(owner=anna)
    return draft(anna)


@pytest.fixture
def default_policy(settings):
    """The app's own access policy, whatever the project has chosen."""
    settings.MASSMAIL = {
        **settings.MASSMAIL,
        "ACCESS_POLICY": "massmail.recipients.access.AccessPolicy",
    }


@pytest.fixture
def snapshot_of():
    """All that a refused action on a mailing must leave as it was."""

    def take(mailing):
        mailing.refresh_from_db()
        state = {
            field.attname: getattr(mailing, field.attname)
            for field in mailing._meta.concrete_fields
        }
        rows = mailing.deliveries.order_by("pk").values(
            "pk", "status", "reason", "email_account", "version"
        )
        return state, list(rows)

    return take
