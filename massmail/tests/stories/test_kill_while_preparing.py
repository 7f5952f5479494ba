"""A worker killed between any two statements and commits while it adds recipients."""

from __future__ import annotations

import pytest
from django.utils import timezone

from massmail.audience.selection import store_selection, unprepared_mailings
from massmail.models import MailingOut, MassContact, SelectedChunk
from massmail.reports.ledger import check_ledger
from massmail.tests.factories import CustomerFactory, EmlMessageFactory, UserFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.stories.kills import kill_at_steps

pytestmark = pytest.mark.django_db(transaction=True)

EXPECTED = {
    "first": "queued",
    "left": "opted_out",
    "broken": "invalid_address",
    "second": "queued",
    "shares with first": "duplicate",
    "gone": "recipient_deleted",
}


def chosen_by_a_manager() -> MailingOut:
    """Six recipients in three chunks; one shares its address with one of another."""
    anna = UserFactory()
    emails = {"broken": "broken", "shares with first": "first@example.com"}
    for name in EXPECTED:
        email = emails.get(name, f"{name}@example.com")
        accepts = name != "left"
        CustomerFactory(owner=anna, name=name, email=email, accepts_mailings=accepts)
    mailing = store_selection(
        owner=anna,
        message=EmlMessageFactory(owner=anna),
        recipients=Customer.objects.filter(owner=anna),
    )
    Customer.objects.filter(owner=anna, name="gone").delete()
    return mailing


def assert_nobody_is_lost_or_added_twice(mailing: MailingOut) -> None:
    """Rows and chunks that wait make up the choice, whenever somebody looks."""
    mailing.refresh_from_db()
    waiting = sum(len(chunk.keys) for chunk in mailing.selected_chunks.all())
    rows = mailing.deliveries.count()
    assert rows == mailing.recipients_count
    assert rows + waiting == len(EXPECTED)
    assert not mailing.deliveries.filter(reason="preparing").exists()


def assert_it_is_prepared(mailing: MailingOut) -> None:
    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    rows = mailing.deliveries.order_by("pk")
    found = {row.name or "gone": row.reason or row.status for row in rows}
    assert found == EXPECTED
    identified = rows.exclude(mass_contact=None)
    assert identified.count() == len(EXPECTED) - 1
    assert not SelectedChunk.objects.exists()
    assert not unprepared_mailings().exists()
    assert list(check_ledger(timezone.now())) == []


def kill_preparation(nursery, *, every: int) -> int:
    def story(step: int) -> int:
        MassContact.objects.filter(deliveries=None).delete()
        mailing = chosen_by_a_manager()
        killed = nursery.start("send_queue", "--once", kill_at=step, PREPARE_CHUNK=2)
        code = killed.wait()
        assert_nobody_is_lost_or_added_twice(mailing)
        assert nursery.start("send_queue", "--once", PREPARE_CHUNK=2).wait() == 0
        assert_it_is_prepared(mailing)
        return code

    return kill_at_steps(every, story)


def test_a_job_killed_at_some_of_its_steps(nursery, settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "PREPARE_CHUNK": 2}

    assert kill_preparation(nursery, every=9) >= 4


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_job_killed_at_any_of_its_steps(nursery, settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "PREPARE_CHUNK": 2}

    assert kill_preparation(nursery, every=1) >= 40
