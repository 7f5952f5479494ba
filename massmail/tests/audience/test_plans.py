"""What a chunk costs does not grow with its mailing: each row is looked up.

Asked of the database's own plan, with its statistics as they are: of a mailing that
has just come they know nothing.
"""

from __future__ import annotations

import pytest
from django.db import connection

from massmail.audience.assignment import assign_accounts
from massmail.audience.snapshot import create_mailing
from massmail.tests.factories import (
    NOW,
    EmailAccountFactory,
    EmlMessageFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(boris):
    """A mailing of a colleague's."""
    add_customers(boris, 1500)
    create_mailing(
        owner=boris,
        message=EmlMessageFactory(owner=boris),
        recipients=Customer.objects.all(),
    )


@pytest.mark.usefixtures("crowd")
def test_rows_get_their_accounts_by_their_keys(anna, plans):
    mailing = draft(anna, customers=3)
    EmailAccountFactory(owner=anna)

    found = plans(
        lambda: assign_accounts(mailing, now=NOW),
        'UPDATE "massmail_delivery"',
        analysed=True,
    )

    assert found
    by_key = {"postgresql": "massmail_delivery_pkey", "sqlite": "PRIMARY KEY"}
    for plan in found:
        assert by_key[connection.vendor] in plan
        assert "delivery_queue" not in plan
