"""What a page costs does not grow with a mailing: its rows are counted along indexes.

Asked of the database's own plans, and of the number of statements.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from massmail.models import (
    Delivery,
    EmailAccount,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.models.key_range import key_range
from massmail.site.delivery import DeliveryAdmin
from massmail.tests.factories import (
    EmailAccountFactory,
    MailingOutFactory,
    TargetListFactory,
)
from massmail.tests.site.conftest import page

# Of ten rows one each; the others are sent.
STATES = {3: ("failed", "refused"), 4: ("skipped", "opted_out"), 5: ("queued", "")}


@pytest.fixture
def mailing(owner):
    """In the middle of its way; the statistics know it."""
    mailing = MailingOutFactory(owner=owner, launched=True)
    account = EmailAccountFactory(owner=owner)
    now = timezone.now()
    rows = []
    for number in range(2000):
        status, reason = STATES.get(number % 10, ("sent", ""))
        rows.append(
            Delivery(
                mailing=mailing,
                content_type=mailing.content_type,
                object_id=str(number),
                address_key=f"{number:032x}",
                email_account=account,
                status=status,
                reason=reason,
                not_before=now,
                queued_at=now,
                result_at=None if status in ("queued", "skipped") else now,
            )
        )
    Delivery.objects.bulk_create(rows)
    return mailing


@pytest.fixture
def index():
    return reverse("admin:app_list", args=["massmail"])


@pytest.mark.parametrize(
    ("statement", "plan"),
    [
        ("rows_QUEUED", "delivery_by_status"),
        ("sent_", "delivery_results"),
        ("first_row_of_", "delivery_queue"),
        ('."kind" = ', "delivery_tests"),
    ],
)
def test_the_start_page_reads_indexes(
    browser, owner, mailing, index, plans, statement, plan
):
    client = browser(owner)

    found = plans(lambda: client.get(index), statement, analysed=True)

    assert found
    assert all(plan in text for text in found)


def test_reasons_are_counted_along_their_index(browser, owner, mailing, plans):
    client = browser(owner)

    [found] = plans(lambda: client.get(page(mailing)), "GROUP BY 1, 2", analysed=True)

    assert "delivery_reasons" in found


def test_the_reasons_to_choose_from_are_read_from_their_index(
    browser, owner, mailing, plans
):
    client = browser(owner)

    [found] = plans(
        lambda: client.get(page(Delivery, "changelist"), {"mailing": mailing.pk}),
        'SELECT DISTINCT "massmail_delivery"."reason"',
        analysed=True,
    )

    assert "delivery_reasons" in found


def test_a_mailings_rows_are_counted_once_for_its_page(browser, owner, mailing, index):
    client = browser(owner)

    for url in (page(mailing), index, page(type(mailing), "changelist")):
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        counted = [query for query in captured if "rows_QUEUED" in query["sql"]]
        assert len(counted) == 1, url


def test_the_recipients_of_a_late_mailing_are_found_behind_all_older_ones(
    browser, owner, mailing, monkeypatch
):
    """By their keys: what others have is not passed by."""
    monkeypatch.setattr(DeliveryAdmin, "list_per_page", 2)
    late = MailingOutFactory(owner=owner, launched=True)
    rows = [
        Delivery(
            mailing=late,
            content_type=late.content_type,
            object_id=str(number),
            address_key=f"{number:032x}",
            status=status,
            reason="opted_out" if status == "skipped" else "",
            not_before=timezone.now(),
            queued_at=timezone.now(),
        )
        for number, status in enumerate(("sent", "skipped", "queued"))
    ]
    Delivery.objects.bulk_create(rows)
    keys = [row.pk for row in Delivery.objects.filter(mailing=late)]

    with CaptureQueriesContext(connection) as captured:
        response = browser(owner).get(
            page(Delivery, "changelist"), {"mailing": late.pk}
        )

    assert key_range(late.pk) == (keys[0], keys[-1])
    assert [row.pk for row in response.context["cl"].result_list] == keys[:2]
    bounds = f"BETWEEN {keys[0]} AND {keys[-1]}"
    assert any(bounds in query["sql"] for query in captured)


def test_the_ends_of_a_mailings_rows_come_from_the_index_of_states(mailing, plans):
    [plan] = plans(lambda: key_range(mailing.pk), "MIN(id)")

    assert "delivery_by_status" in plan
    assert "Seq Scan" not in plan
    assert "SCAN massmail_delivery" not in plan


def test_a_mailing_without_rows_has_no_recipients(browser, owner):
    empty = MailingOutFactory(owner=owner, launched=True)

    response = browser(owner).get(page(Delivery, "changelist"), {"mailing": empty.pk})

    assert not response.context["cl"].result_list


def test_what_an_account_has_sent_today_is_counted_without_its_attempts(browser, owner):
    """COUNT(*) is answered by the index; of a key, PostgreSQL would read the rows."""
    EmailAccountFactory(owner=owner)

    with CaptureQueriesContext(connection) as captured:
        browser(owner).get(page(EmailAccount, "changelist"))

    [counted] = [
        query["sql"]
        for query in captured
        if 'FROM "massmail_sendattempt"' in query["sql"] and "GROUP BY" in query["sql"]
    ]
    assert "COUNT(*)" in counted


@pytest.fixture
def history(superuser):
    """Lines of the don't-mail list's history: of all mailings, of one list, erased."""
    rows = [
        SuppressedAddress.objects.suppress(
            f"{name}@example.com",
            reason="opted_out",
            source="link",
            target_list=TargetListFactory(owner=superuser) if name == "lea" else None,
        )
        for name in ("zoe", "lea", "gone")
    ]
    SuppressedAddress.objects.blank(rows[-1].address_key)
    return [row.address_key for row in rows]


def test_the_addresses_of_the_history_are_found_by_one_query(
    browser, superuser, history, plans
):
    """The address only while the list has it: who was erased stays so."""
    client, url = browser(superuser), page(SuppressionChange, "changelist")
    pages = []

    found = plans(lambda: pages.append(client.get(url)), '"massmail_suppressedaddress"')

    shown = [
        word
        for word in ("zoe@example.com", "lea@example.com", "gone@example.com", *history)
        if f">{word}<" in pages[0].text
    ]
    assert shown == ["zoe@example.com", "lea@example.com", history[-1]]
    [plan] = found
    assert "one_suppression_per_address" in plan
    assert "one_suppression_per_list" in plan
