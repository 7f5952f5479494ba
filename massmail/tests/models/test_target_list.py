"""Target lists: what is kept when they go, and what keeps an address from them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from massmail.models import (
    Delivery,
    SuppressedAddress,
    SuppressionChange,
    TargetList,
    TargetListMember,
)
from massmail.models.address import Address, address_key
from massmail.tests.factories import (
    DeliveryFactory,
    MailingOutFactory,
    SuppressedAddressFactory,
    TargetListFactory,
    TargetListMemberFactory,
)

pytestmark = pytest.mark.django_db
addresses = SuppressedAddress.objects
ZOE = "zoe@example.com"


def suppress(target_list=None, reason="opted_out"):
    return addresses.suppress(
        ZOE, reason=reason, source="test", target_list=target_list
    )


def test_a_list_that_no_mailing_had_is_deleted():
    member = TargetListMemberFactory()

    member.target_list.discard()

    assert not TargetList.objects.exists()
    assert not TargetListMember.objects.exists()


@pytest.mark.parametrize("relation", ["target_lists", "excluded_lists"])
def test_one_that_a_mailing_had_stays_for_what_people_decided(relation):
    member = TargetListMemberFactory()
    delivery = DeliveryFactory(status="sent")
    getattr(delivery.mailing, relation).add(member.target_list)
    suppress(member.target_list)

    member.target_list.discard()

    assert not TargetList.objects.active().exists()
    # A copy of the mailing still leaves out whom it left out.
    assert TargetListMember.objects.exists() == (relation == "excluded_lists")
    assert getattr(delivery.mailing, relation).get() == member.target_list
    assert addresses.get().target_list == member.target_list
    assert Delivery.objects.get() == delivery


@pytest.mark.parametrize("came_back", [False, True])
def test_one_that_somebody_left_stays_when_its_mailings_are_gone(came_back):
    row = suppress(TargetListFactory())
    if came_back:
        addresses.all().lift(source="test")

    row.target_list.discard()

    assert TargetList.objects.get().retired_at is not None
    assert SuppressionChange.objects.filter(target_list=row.target_list).exists()


def test_an_address_stands_once_for_each_list_and_once_for_all():
    one, other = TargetListFactory.create_batch(2)

    rows = [suppress(scope) for scope in (None, one, other, None, one)]

    assert [row.pk for row in rows[3:]] == [rows[0].pk, rows[1].pk]
    assert addresses.count() == SuppressionChange.objects.count() == 3


def test_a_bounce_after_leaving_a_list_is_for_all():
    left = suppress(TargetListFactory())

    suppress(reason="hard_bounce")

    assert {(row.target_list, row.reason) for row in addresses.all()} == {
        (left.target_list, "opted_out"),
        (None, "hard_bounce"),
    }


def test_a_list_row_covers_nothing_by_itself():
    suppress(TargetListFactory())

    assert not addresses.covers(ZOE)
    assert not addresses.covering(ZOE).exists()


def test_an_import_adds_for_all_what_had_left_a_list():
    suppress(TargetListFactory())

    added = addresses.suppress_many(
        addresses=[Address.parse(ZOE)], reason="manual", source="file"
    )

    assert added == 1
    assert addresses.covers(ZOE)


def test_erasing_a_person_blanks_the_rows_of_lists_too():
    suppress()
    suppress(TargetListFactory())

    addresses.blank(address_key(ZOE))

    assert list(addresses.values_list("address", flat=True)) == ["", ""]


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "", "domain": "example.com"},
        {"reason": "hard_bounce"},
        {"address": ZOE},
    ],
    ids=["a domain", "another reason", "twice"],
)
def test_only_an_opt_out_of_an_address_can_be_about_a_list(fields):
    target_list = suppress(TargetListFactory()).target_list
    row = {"reason": "opted_out", "target_list": target_list} | fields

    with pytest.raises(IntegrityError), transaction.atomic():
        SuppressedAddressFactory(**row)

    assert addresses.count() == 1


def test_the_lists_of_a_mailing_are_one_statement(django_assert_num_queries):
    mailing = MailingOutFactory()
    included, excluded = TargetListFactory.create_batch(2)
    MailingOutFactory().target_lists.add(excluded)
    mailing.target_lists.add(included)
    mailing.excluded_lists.add(excluded)

    with django_assert_num_queries(1):
        keys = mailing.list_keys()

    assert keys == ((included.pk,), (excluded.pk,))
