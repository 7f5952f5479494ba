"""A mailing is made anew, and nobody needs to get its message twice."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from massmail.audience.selection import prepare_selected
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Delivery, MailingOut, SuppressedAddress
from massmail.orchestrator.repeating import duplicate, exclude_received
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    MailingOutFactory,
    MemberFactory,
    SubscriberFactory,
    TargetListFactory,
    TargetListMemberFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]


@pytest.fixture
def mailing(anna):
    return MailingOutFactory(
        owner=anna, launched=True, status="D", is_tracked=False, utm_campaign="spring"
    )


def add(mailing, status="sent", **fields):
    return DeliveryFactory(mailing=mailing, status=status, **fields)


def prepared(copy):
    prepare_selected(copy, seconds=60)
    return {
        (row.object_id, row.status, row.reason) for row in copy.deliveries.iterator()
    }


def test_the_copy_is_a_draft_to_the_records_as_they_are_today(mailing, anna):
    moved, left, gone, given = (CustomerFactory(owner=anna) for _number in range(4))
    for person in (moved, left, gone, given):
        add(mailing, recipient=person)
    moved.email = "new@example.com"
    moved.save()
    left.accepts_mailings = False
    left.save()
    gone.delete()
    given.owner = UserFactory()
    given.save()

    copy = duplicate(mailing, by=anna, name="Again")

    assert (copy.name, copy.owner, copy.message) == ("Again", anna, mailing.message)
    assert (copy.is_draft, copy.is_tracked) == (True, False)
    assert copy.utm_campaign == "spring"
    assert prepared(copy) == {
        (str(moved.pk), "queued", ""),
        (str(left.pk), "skipped", "opted_out"),
        (str(given.pk), "skipped", "not_assigned"),
    }
    assert copy.deliveries.get(object_id=str(moved.pk)).address == "new@example.com"
    assert LogEntry.objects.get().get_change_message() == f"duplicated as {copy.pk}"


def test_the_copy_has_the_lists_and_who_left_them_since_is_skipped(mailing, anna):
    included, excluded = TargetListFactory.create_batch(2)
    mailing.target_lists.add(included)
    mailing.excluded_lists.add(excluded)
    left, stays, new = (CustomerFactory(owner=anna) for _number in range(3))
    for person in (left, stays, new):
        add(mailing, recipient=person)
    SuppressedAddress.objects.suppress(
        left.email, reason="opted_out", source="test", target_list=included
    )
    TargetListMemberFactory(target_list=excluded, recipient=new)

    copy = duplicate(mailing, by=anna, name="Again")

    assert copy.list_keys() == mailing.list_keys()
    assert prepared(copy) == {
        (str(left.pk), "skipped", "opted_out"),
        (str(stays.pk), "queued", ""),
        (str(new.pk), "skipped", "excluded"),
    }


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_who_has_the_message_can_be_left_out(anna, factory):
    sent, unsure, failed = (factory(owner=anna) for _number in range(3))
    mailing = MailingOutFactory(
        owner=anna,
        launched=True,
        content_type=DeliveryFactory.build(
            recipient=sent, mailing=None, version=None, email_account=None
        ).content_type,
    )
    add(mailing, recipient=sent)
    add(mailing, "uncertain", recipient=unsure)
    add(mailing, "failed", recipient=failed)

    copy = duplicate(mailing, by=anna, name="Again", without_received=True)

    assert {key for key, _status, _reason in prepared(copy)} == {str(failed.pk)}


def test_for_nobody_nothing_is_created(mailing, anna):
    add(mailing, recipient__owner=anna)

    with pytest.raises(WrongState):
        duplicate(mailing, by=anna, name="Again", without_received=True)

    assert MailingOut.objects.count() == 1


def test_a_colleague_duplicates_nothing(mailing):
    add(mailing)

    with pytest.raises(NotAllowed):
        duplicate(mailing, by=UserFactory(), name="Again")

    assert MailingOut.objects.count() == 1


@pytest.fixture
def again(anna, mailing):
    """Another running mailing with the same message."""
    return MailingOutFactory(owner=anna, launched=True, message=mailing.message)


@pytest.mark.parametrize("status", ["sent", "uncertain", "sending"])
def test_who_has_it_or_may_have_it_is_excluded(mailing, again, anna, status):
    person = CustomerFactory(owner=anna, email="ada@example.com")
    twin = CustomerFactory(owner=anna, email="ADA@example.com")
    add(mailing, status, recipient=person)
    rows = [add(again, "queued", recipient=twin), add(again, "queued")]

    assert exclude_received(again, by=anna, now=NOW) == 1

    for row in rows:
        row.refresh_from_db()
    assert (rows[0].status, rows[0].reason) == ("skipped", "already_received")
    assert rows[1].status == "queued"


@pytest.mark.parametrize("status", ["failed", "skipped", "queued"])
def test_who_has_not_got_it_stays(mailing, again, anna, status):
    person = CustomerFactory(owner=anna)
    add(mailing, status, recipient=person)
    row = add(again, "queued", recipient=person)

    assert exclude_received(again, by=anna, now=NOW) == 0

    row.refresh_from_db()
    assert row.status == "queued"


def test_another_message_does_not_count(anna, again):
    other = MailingOutFactory(owner=anna, launched=True)
    person = CustomerFactory(owner=anna)
    add(other, recipient=person)
    add(again, "queued", recipient=person)

    assert exclude_received(again, by=anna, now=NOW) == 0


def test_with_nobody_left_the_mailing_is_done(mailing, again, anna):
    person = CustomerFactory(owner=anna)
    add(mailing, recipient=person)
    add(again, "queued", recipient=person)

    exclude_received(again, by=anna, now=NOW)

    again.refresh_from_db()
    assert again.status == "D"


def test_only_its_owner_excludes_and_only_before_the_end(mailing, again, anna):
    person = CustomerFactory(owner=anna)
    add(mailing, recipient=person)
    row = add(again, "queued", recipient=person)

    with pytest.raises(NotAllowed):
        exclude_received(again, by=UserFactory())
    MailingOut.objects.filter(pk=again.pk).update(status="I")
    with pytest.raises(WrongState):
        exclude_received(again, by=anna)

    assert Delivery.objects.get(pk=row.pk).status == "queued"
