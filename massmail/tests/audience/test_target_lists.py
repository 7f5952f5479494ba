"""Whom a list has, and who of them may be mailed by whom."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.audience.selection import prepare_selected, store_selection
from massmail.audience.snapshot import create_mailing
from massmail.audience.target_lists import (
    add_members,
    lists_to_fill,
    records_in,
    remove_members,
    sizes,
)
from massmail.models import SuppressedAddress, TargetList, TargetListMember
from massmail.recipients.registry import source_of
from massmail.tests.factories import (
    CustomerFactory,
    EmlMessageFactory,
    MemberFactory,
    SubscriberFactory,
    SuperuserFactory,
    TargetListFactory,
    TargetListMemberFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer, Member, Subscriber
from massmail.tests.mailings import add_customers

pytestmark = pytest.mark.django_db
FACTORIES = {
    Customer: CustomerFactory,
    Subscriber: SubscriberFactory,
    Member: MemberFactory,
}


@pytest.fixture
def target_list(anna):
    return TargetListFactory(owner=anna)


@pytest.fixture
def message(anna):
    return EmlMessageFactory(owner=anna)


def filter_list(owner, query, **fields):
    return TargetListFactory(
        owner=owner,
        kind="filter",
        content_type=ContentType.objects.get_for_model(Customer),
        query=query,
        **fields,
    )


def names(mailing):
    return {row.name: (row.status, row.reason) for row in mailing.deliveries.iterator()}


@pytest.mark.parametrize("model", FACTORIES, ids=lambda model: model.__name__)
def test_ones_own_records_are_put_on_it_once_and_taken_off(target_list, anna, model):
    mine = FACTORIES[model].create_batch(3, owner=anna)
    theirs = FACTORIES[model]()
    source, everyone = source_of(model), model.objects.all()

    assert add_members(target_list, everyone, by=anna) == 3
    assert add_members(target_list, everyone, by=anna) == 0

    content_type = ContentType.objects.get_for_model(model)
    assert sizes(target_list) == {content_type.pk: 3}
    assert TargetListMember.objects.filter(by=anna).count() == 3
    assert set(records_in(anna, source, [target_list])) == set(mine)
    assert not records_in(theirs.owner, source, [target_list]).exists()

    some = model.objects.filter(pk__in=[mine[0].pk, theirs.pk])
    assert remove_members(target_list, some) == 1
    assert set(records_in(anna, source, [target_list])) == set(mine[1:])


def test_a_list_has_records_of_several_types(target_list, anna):
    """Also where the keys of one are none of another."""
    customer, member = CustomerFactory(owner=anna), MemberFactory(owner=anna)
    for record in (customer, member):
        TargetListMemberFactory(target_list=target_list, recipient=record)

    for record in (customer, member):
        source = source_of(type(record))
        assert records_in(anna, source, [target_list]).get() == record


def test_a_record_given_away_is_no_longer_ones_to_mail(target_list, anna):
    record = CustomerFactory(owner=anna)
    add_members(target_list, Customer.objects.all(), by=anna)
    record.owner = UserFactory()
    record.save()

    assert not records_in(anna, source_of(Customer), [target_list]).exists()
    assert remove_members(target_list, Customer.objects.all()) == 1


def test_any_number_takes_few_statements(target_list, anna, settings):
    settings.MASSMAIL = settings.MASSMAIL | {"PREPARE_CHUNK": 1000}
    add_customers(anna, 1500)

    with CaptureQueriesContext(connection) as queries:
        assert add_members(target_list, Customer.objects.all(), by=anna) == 1500
        assert remove_members(target_list, Customer.objects.all()) == 1500

    # Two chunks each way, with their savepoints.
    assert len(queries) <= 16


def test_whose_lists_can_be_filled(target_list, anna):
    filter_list(anna, "")
    TargetListFactory(owner=anna, retired_at="2026-01-01T00:00Z")
    other = TargetListFactory()

    assert lists_to_fill(anna) == [target_list]
    assert set(lists_to_fill(SuperuserFactory())) == {target_list, other}


def test_a_filter_finds_at_any_time_whom_one_may_mail(anna):
    target_list = filter_list(anna, "record-city=Delft")
    mine = CustomerFactory(owner=anna, city="Delft")
    CustomerFactory(owner=anna)
    CustomerFactory(city="Delft")

    assert records_in(anna, source_of(Customer), [target_list]).get() == mine
    assert not records_in(anna, source_of(Member), [target_list]).exists()


@pytest.mark.parametrize("in_background", [True, False])
def test_who_left_an_included_list_and_who_is_on_an_excluded_one(
    anna, message, target_list, in_background
):
    excluded = TargetListFactory(owner=anna)
    people = {
        name: CustomerFactory(owner=anna, name=name)
        for name in ("left", "left all", "left out", "other list", "filtered", "stays")
    }
    people["filtered"].city = "Delft"
    people["filtered"].save()
    for name, scope in [
        ("left", target_list),
        ("left all", None),
        ("other list", excluded),
    ]:
        SuppressedAddress.objects.suppress(
            people[name].email, reason="opted_out", source="x", target_list=scope
        )
    TargetListMemberFactory(target_list=excluded, recipient=people["left out"])
    make = store_selection if in_background else create_mailing

    mailing = make(
        owner=anna,
        message=message,
        recipients=Customer.objects.all(),
        target_lists=[target_list],
        excluded_lists=[excluded, filter_list(anna, "record-city=Delft")],
    )
    prepare_selected(mailing, seconds=60)

    assert names(mailing) == {
        "left": ("skipped", "opted_out"),
        "left all": ("skipped", "opted_out"),
        "left out": ("skipped", "excluded"),
        "filtered": ("skipped", "excluded"),
        "other list": ("queued", ""),
        "stays": ("queued", ""),
    }
    assert mailing.recipients_count == 6


@pytest.mark.parametrize("in_background", [True, False])
def test_an_address_that_is_left_out_is_left_out_with_every_record(
    anna, message, target_list, in_background
):
    """However it is written, of whatever type and owner the record on the list is."""
    for name, email in [
        ("same", "Person@Example.com"),
        ("of a member", "member@bücher.example.org"),
        ("of a filter", "delft@example.com"),
        ("stays", "stays@example.com"),
        ("wrong", "nobody"),
    ]:
        CustomerFactory(owner=anna, name=name, email=email)
    on_list = [
        CustomerFactory(email=" person@EXAMPLE.com"),
        CustomerFactory(email="nobody"),
        MemberFactory(email="member@xn--bcher-kva.example.org"),
    ]
    for recipient in on_list:
        TargetListMemberFactory(target_list=target_list, recipient=recipient)
    found = CustomerFactory(
        owner=anna, name="found", email="DELFT@example.com", city="Delft"
    )
    make = store_selection if in_background else create_mailing

    mailing = make(
        owner=anna,
        message=message,
        recipients=Customer.objects.filter(owner=anna).exclude(pk=found.pk),
        excluded_lists=[target_list, filter_list(anna, "record-city=Delft")],
    )
    prepare_selected(mailing, seconds=60)

    assert names(mailing) == {
        "same": ("skipped", "excluded"),
        "of a member": ("skipped", "excluded"),
        "of a filter": ("skipped", "excluded"),
        "stays": ("queued", ""),
        "wrong": ("skipped", "invalid_address"),
    }


def test_a_broken_filter_leaves_out_everybody_rather_than_nobody(anna, message):
    """It was whole when the mailing was made, or is that of a copy."""
    CustomerFactory(owner=anna, name="Ada")
    broken = filter_list(anna, "record-city=%00")

    mailing = create_mailing(
        owner=anna,
        message=message,
        recipients=Customer.objects.all(),
        excluded_lists=[broken],
    )

    assert names(mailing) == {"Ada": ("skipped", "excluded")}


def test_the_lists_of_a_mailing_never_go_with_a_record(anna, message, target_list):
    record = CustomerFactory(owner=anna)
    add_members(target_list, Customer.objects.all(), by=anna)

    record.delete()

    assert TargetList.objects.get() == target_list
    assert not records_in(anna, source_of(Customer), [target_list]).exists()
