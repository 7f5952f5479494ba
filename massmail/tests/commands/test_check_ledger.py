"""`check_ledger`: the promises, verified; exit 1 with the broken rows."""

from __future__ import annotations

import pytest

from massmail.reports.ledger import CHECKS
from massmail.tests.factories import DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken():
    mailing = MailingOutFactory(launched=True, recipients_count=2)
    rows = DeliveryFactory.create_batch(2, mailing=mailing, email_account=None)
    return [row.pk for row in rows]


def test_a_clean_ledger_is_clean(manage):
    ended = manage("check_ledger", "--json")

    assert ended.code == 0
    assert ended.json == {"ok": True, "checks": len(CHECKS), "broken": []}
    assert manage("check_ledger").stdout == (
        f"The ledger is clean: {len(CHECKS)} checks.\n"
    )


def test_broken_rows_are_named_and_the_exit_code_is_one(manage, broken):
    ended = manage("check_ledger", "--json")

    assert ended.code == 1
    assert ended.json == {
        "ok": False,
        "checks": len(CHECKS),
        "broken": [
            {
                "check": "waiting_for_nobody",
                "promise": "never silent",
                "count": 2,
                "rows": broken,
            }
        ],
    }


def test_people_get_a_line_for_each_kind(manage, broken):
    ended = manage("check_ledger")

    assert ended.code == 1
    assert ended.stdout == f"never silent: waiting_for_nobody 2 {broken}\n"
