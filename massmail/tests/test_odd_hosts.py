"""The short recheck allows no more than the full one, whatever a host asks."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.db.models import Count, Exists, F, Manager, OuterRef, Q, Value

from massmail.models import Delivery
from massmail.permissions import may_be_mailed, may_be_mailed_through
from massmail.recipients.registry import source_of
from massmail.tests.factories import NOW, CustomerFactory, DeliveryFactory
from massmail.tests.hostapp.models import Customer, Member

pytestmark = pytest.mark.django_db

OWNED = Customer.objects.filter
ADDRESSABLE = {
    "owned": lambda user: OWNED(owner=user),
    "everybody": lambda user: Customer.objects.all(),
    "nobody": lambda user: Customer.objects.none(),
    "by a join": lambda user: OWNED(owner__groups__name__in=["north", "south"]),
    "distinct": lambda user: OWNED(owner__groups__isnull=False).distinct(),
    "counted": lambda user: Customer.objects.annotate(n=Count("owner__groups")).filter(
        n__gt=1
    ),
    "annotated": lambda user: Customer.objects.annotate(
        n=Count("owner__groups"), one=Value(1)
    ),
    "by keys": lambda user: OWNED(
        pk__in=list(OWNED(owner=user).values_list("pk", flat=True))
    ),
    "by nothing": lambda user: OWNED(pk__in=[]) | OWNED(owner=user),
    "negated": lambda user: Customer.objects.exclude(owner__groups__name="west"),
    "nullable": lambda user: Customer.objects.exclude(born=F("owner__date_joined")),
    "subquery": lambda user: OWNED(
        Exists(Member.objects.filter(owner=OuterRef("owner"))), owner=user
    ),
}
EXCLUDED = {
    "nothing": Q(),
    "nobody": Q(pk__in=[]),
    "everybody": ~Q(pk__in=[]),
    "plain": Q(disqualified=True),
    "null": Q(born__lt=dt.date(2000, 1, 1)),
    "not null": ~Q(born__gte=dt.date(2000, 1, 1)),
    "columns": Q(city=F("name")),
    "null column": Q(born__lt=F("owner__date_joined")),
    "no null column": ~Q(born__lt=F("owner__date_joined")),
    "no owner": Q(owner=None),
    "join": Q(owner__is_staff=True),
    "many": Q(owner__groups__name="north"),
    "two of many": Q(owner__groups__name="north", owner__groups__pk__gt=0),
    "none of many": ~Q(owner__groups__name="north"),
    "no many": Q(owner__groups=None),
    "either": Q(city="Oslo") | ~Q(owner__groups__name="north"),
    "percent": Q(city__contains="%s'%"),
}


@pytest.fixture
def rows():
    """Records of one mailing that differ in all that is asked."""
    first = DeliveryFactory()
    owner, mailing, account = first.mailing.owner, first.mailing, first.email_account
    groups = [Group.objects.create(name=name) for name in ("north", "south", "west")]
    owner.groups.add(*groups[:2])
    Member.objects.create(code="x", owner=owner)
    born = (None, dt.date(1990, 1, 1), dt.date(2010, 1, 1))
    for number, city in enumerate(("Oslo", "Name", "100%s'%")):
        for day in born:
            person = CustomerFactory(
                owner=owner, name="Name", city=city, born=day, disqualified=number == 1
            )
            DeliveryFactory(mailing=mailing, email_account=account, recipient=person)
    for person in (CustomerFactory(owner=None), CustomerFactory()):
        DeliveryFactory(mailing=mailing, email_account=account, recipient=person)
    return first


def allowed(row, condition):
    found = Delivery.objects.filter(condition, mailing=row.mailing)
    return set(found.values_list("pk", flat=True))


def short_and_full(row):
    through = may_be_mailed_through(row.email_account_id, row.mailing, NOW)
    return allowed(row, through), allowed(row, may_be_mailed(row.mailing, NOW))


@pytest.mark.parametrize("addressable", ADDRESSABLE)
def test_the_short_recheck_allows_no_more_than_the_full_one(
    rows, monkeypatch, addressable
):
    source = source_of(Customer)
    monkeypatch.setattr(source, "addressable_by", ADDRESSABLE[addressable])
    looser = []
    for name, condition in EXCLUDED.items():
        monkeypatch.setattr(source, "exclusions", {"odd": condition})
        short, full = short_and_full(rows)
        if not short <= full:
            looser.append(name)

    assert looser == []


def test_a_record_that_the_host_hides_is_no_recipient(rows, monkeypatch):
    """Its base manager leaves out what was put in the bin, another one does not."""

    class Living(Manager):
        def get_queryset(self):
            return super().get_queryset().exclude(city="Oslo")

    manager = Living()
    manager.model = Customer
    monkeypatch.setitem(vars(Customer._meta), "base_manager", manager)

    short, full = short_and_full(rows)

    hidden = Customer.objects.filter(city="Oslo").values_list("pk", flat=True)
    assert len(hidden) == 3
    assert short == full
    assert not Delivery.objects.filter(
        pk__in=short, object_id__in=map(str, hidden)
    ).exists()
