"""Promise 3: the same conditions when recipients are chosen and at each hand-over."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.contenttypes.models import ContentType

from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    SuppressedAddress,
)
from massmail.permissions import (
    ExistsForEach,
    first_reason,
    has_wrong_account,
    may_be_mailed,
    may_be_mailed_alone,
    may_be_mailed_through,
    skip_reason,
    without_value,
)
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
    TargetListFactory,
    TargetListMemberFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer, Member, Subscriber

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def row():
    """A waiting row of a running mailing with an account that is ready."""
    return DeliveryFactory()


def allowed(row, now=NOW):
    """By the recheck, with which its shorter form for one account agrees."""
    rows = Delivery.objects.filter(pk=row.pk)
    is_allowed = rows.filter(may_be_mailed(row.mailing, now)).exists()
    through = may_be_mailed_through(row.email_account_id, row.mailing, now)
    assert rows.filter(through).exists() is is_allowed
    return is_allowed


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_keys_of_every_type_are_found_in_the_host(factory):
    theirs = factory()
    content_type = ContentType.objects.get_for_model(theirs)
    mailing = MailingOutFactory(launched=True, content_type=content_type)
    row = DeliveryFactory(recipient=theirs, mailing=mailing)
    assert not allowed(row)

    mine = factory(owner=row.mailing.owner)
    Delivery.objects.update(object_id=str(mine.pk))
    assert allowed(row)
    assert skip_reason(row.mailing, row.pk) == ""
    assert reason_in_a_launch(row) == ""

    type(mine).objects.filter(pk=mine.pk).delete()
    assert not allowed(row)
    assert skip_reason(row.mailing, row.pk) == "recipient_deleted"
    assert reason_in_a_launch(row) == "recipient_deleted"


def reason_in_a_launch(row):
    """By the short cut for those against whom nothing speaks."""
    why = first_reason(row.mailing, exists=ExistsForEach)
    return Delivery.objects.annotate(why=why).get(pk=row.pk).why


def host(**fields):
    return lambda row: Customer.objects.filter(pk=row.object_id).update(**fields)


def suppress(reason):
    return lambda row: SuppressedAddress.objects.suppress(
        row.address, reason=reason, source="test"
    )


def suppress_domain(row):
    SuppressedAddressFactory(address="", domain=row.address_domain)


def unsubscribe(row):
    MassContactFactory(
        content_type=row.content_type, object_id=row.object_id, subscribed=False
    )


def leave_list(row):
    target_list = TargetListFactory()
    row.mailing.target_lists.add(target_list)
    SuppressedAddress.objects.suppress(
        row.address, reason="opted_out", source="test", target_list=target_list
    )


def leave_out(row):
    member = TargetListMemberFactory(
        content_type=row.content_type, object_id=row.object_id
    )
    row.mailing.excluded_lists.add(member.target_list)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (host(disqualified=True), "disqualified"),
        (host(accepts_mailings=False), "opted_out"),
        (host(born=dt.date(2020, 1, 1)), "excluded"),
        (host(owner=None), "not_assigned"),
        (suppress("opted_out"), "opted_out"),
        (suppress("hard_bounce"), "suppressed"),
        (suppress_domain, "suppressed"),
        (unsubscribe, "opted_out"),
        (leave_list, "opted_out"),
        (leave_out, "excluded"),
    ],
)
def test_the_recipients_side_of_the_recheck(row, change, reason):
    assert allowed(row)

    change(row)

    assert not allowed(row)
    assert skip_reason(row.mailing, row.pk) == reason
    assert reason_in_a_launch(row) == reason


def leave_another_list(row):
    leave_list(row)
    row.mailing.target_lists.clear()
    row.mailing.target_lists.add(TargetListFactory())


def leave_out_another_type(row):
    member = TargetListMemberFactory(
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=row.object_id,
    )
    row.mailing.excluded_lists.add(member.target_list)


def leave_out_another_mailing(row):
    leave_out(row)
    row.mailing.target_lists.set(row.mailing.excluded_lists.all())
    row.mailing.excluded_lists.clear()


@pytest.mark.parametrize(
    "change",
    [leave_another_list, leave_out_another_type, leave_out_another_mailing],
)
def test_lists_that_the_mailing_has_not_speak_against_nobody(row, change):
    change(row)

    assert allowed(row)
    assert skip_reason(row.mailing, row.pk) == ""
    assert reason_in_a_launch(row) == ""


def test_a_mailing_without_lists_asks_nothing_about_lists(row):
    leave_out(row)
    row.mailing.excluded_lists.clear()

    for condition in (may_be_mailed(row.mailing, NOW), may_be_mailed_alone(NOW)):
        sql = str(Delivery.objects.filter(condition).query)
        assert "targetlist" not in sql
        assert "target_list_id IN" not in sql.replace('"', "")


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "P"},
        {"status": "I"},
        {"status": "D"},
        {"stop_reason": "reputation"},
        {"start_at": NOW + SECOND},
        {"expires_at": NOW},
    ],
    ids=str,
)
def test_the_mailings_side_of_the_recheck_is_no_reason_to_skip(row, fields):
    MailingOut.objects.update(**fields)

    assert not allowed(row)
    assert skip_reason(row.mailing, row.pk) == ""


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"state": "stopped"}, False),
        ({"state": "paused"}, False),
        ({"state": "paused", "paused_until": NOW + SECOND}, False),
        ({"for_massmail": False}, True),
        ({"is_main": True}, True),
    ],
    ids=str,
)
def test_the_accounts_side_of_the_recheck(row, fields, wrong):
    EmailAccount.objects.update(**fields)

    assert not allowed(row)
    assert skip_reason(row.mailing, row.pk) == ""
    assert Delivery.objects.filter(has_wrong_account(row.mailing)).exists() is wrong


def test_a_pause_that_is_over_holds_nothing(row):
    EmailAccount.objects.update(state="paused", paused_until=NOW)

    assert allowed(row)


def test_an_account_of_a_stranger_is_wrong_and_a_co_owned_one_is_not(row):
    stranger = UserFactory()
    EmailAccount.objects.update(owner=stranger)
    assert not allowed(row)
    assert Delivery.objects.filter(has_wrong_account(row.mailing)).exists()

    EmailAccount.objects.update(co_owner=row.mailing.owner)
    assert allowed(row)
    assert not Delivery.objects.filter(has_wrong_account(row.mailing)).exists()


def test_a_vip_is_mailed_from_the_main_account_and_nobody_else_is(row):
    identity = MassContactFactory(
        content_type=row.content_type, object_id=row.object_id, is_vip=True
    )
    assert not allowed(row)

    EmailAccount.objects.update(is_main=True, for_massmail=False)
    assert allowed(row)

    MassContact.objects.filter(pk=identity.pk).update(is_vip=False)
    assert not allowed(row)


def test_a_row_without_an_account_is_not_mailed(row):
    Delivery.objects.update(email_account=None)

    assert not allowed(row)


def test_a_row_of_another_account_is_not_mailed_through_this_one(row):
    other = EmailAccountFactory(owner=row.mailing.owner)
    through = may_be_mailed_through(other.pk, row.mailing, NOW)

    assert allowed(row)
    assert not Delivery.objects.filter(through).exists()


def test_rows_of_another_mailing_are_not_allowed_by_this_one(row):
    other = MailingOutFactory(owner=row.mailing.owner, launched=True)

    assert not Delivery.objects.filter(may_be_mailed(other, NOW), pk=row.pk).exists()


@pytest.mark.parametrize("reason", ["opted_out", "manual"])
def test_mail_without_a_mailing_obeys_the_list(reason):
    account = EmailAccountFactory()
    row = DeliveryFactory(
        mailing=None,
        version=None,
        kind="test",
        email_account=account,
        recipient__owner=account.owner,
    )
    rows = Delivery.objects.filter(may_be_mailed_alone(NOW))
    assert rows.get() == row
    assert skip_reason(None, row.pk) == ""

    SuppressedAddress.objects.suppress(row.address, reason=reason, source="test")

    assert not rows.exists()
    assert skip_reason(None, row.pk) == (
        "opted_out" if reason == "opted_out" else "suppressed"
    )


def test_mail_without_a_mailing_needs_an_account_that_is_ready():
    account = EmailAccountFactory(state="stopped")
    DeliveryFactory(
        mailing=None,
        version=None,
        kind="test",
        email_account=account,
        recipient__owner=account.owner,
    )

    assert not Delivery.objects.filter(may_be_mailed_alone(NOW)).exists()


@pytest.mark.parametrize(
    ("path", "value", "missing"),
    [
        ("city", "Utrecht", False),
        ("city", "", True),
        ("city", "   ", True),
        ("born", None, True),
        ("born", dt.date(2000, 2, 29), False),
        ("owner__email", None, False),
    ],
)
def test_what_counts_as_a_missing_value(row, path, value, missing):
    if "__" not in path:
        Customer.objects.update(**{path: value})

    found = Delivery.objects.filter(without_value(row.mailing, path))

    assert found.exists() is missing


def test_a_record_without_an_owner_has_no_value_behind_it(row):
    Customer.objects.update(owner=None)

    assert Delivery.objects.filter(without_value(row.mailing, "owner__email")).exists()


def test_other_types_keys_that_are_no_numbers_do_no_harm(row):
    """Both types have rows in one table; only one of them has numbers for keys."""
    member = MemberFactory(owner=row.mailing.owner, code="x-1")
    other = MailingOutFactory(owner=row.mailing.owner, launched=True)
    DeliveryFactory(mailing=other, recipient=member)

    assert allowed(row)
    assert Member.objects.count() == 1
