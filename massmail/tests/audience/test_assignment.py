"""Each recipient gets the account that mails it, and keeps it."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from massmail.audience.assignment import assign_accounts
from massmail.audience.snapshot import create_mailing
from massmail.models import EmailAccount, EmlAccountsQueue, MassContact
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    EmailAccountFactory,
    MainAccountFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, give_accounts

pytestmark = pytest.mark.django_db
STOPPED = EmailAccount.State.STOPPED


@pytest.fixture
def assigned(anna, message):
    """A new mailing to all customers of Anna, with its accounts.

    All are assigned in the same moment, as with a clock that stands still.
    """

    def assign(now=NOW):
        mailing = create_mailing(
            owner=anna, message=message, recipients=Customer.objects.all()
        )
        return give_accounts(mailing, now=now)

    return assign


def accounts(owner, *names, **fields):
    return [EmailAccountFactory(owner=owner, name=name, **fields) for name in names]


def shares(mailing):
    """{account's name: its number of rows}, of those that wait."""
    rows = mailing.deliveries.filter(status="queued")
    return dict(Counter(rows.values_list("email_account__name", flat=True)))


def binding(**fields):
    MassContact.objects.update(**fields)


def prepare_identities(owner, count):
    """Customers with identities, as an earlier mailing leaves them behind."""
    for customer in add_customers(owner, count):
        MassContact.objects.create(content_object=customer)


def test_accounts_take_equal_shares(anna, assigned):
    accounts(anna, "a", "b", "c")
    add_customers(anna, 9)

    assert shares(assigned()) == {"a": 3, "b": 3, "c": 3}


def test_the_turn_goes_on_with_the_next_mailing(anna, assigned):
    accounts(anna, "a", "b", "c")
    total = Counter()

    for _ in range(6):
        add_customers(anna, 2)
        total.update(shares(assigned()))
        Customer.objects.all().delete()

    assert total == {"a": 4, "b": 4, "c": 4}


def test_a_single_recipient_each_time_visits_all_accounts(anna, assigned):
    accounts(anna, "a", "b", "c")
    visited = []

    for _ in range(6):
        add_customers(anna, 1)
        visited += shares(assigned())
        Customer.objects.all().delete()

    assert visited == ["a", "b", "c", "a", "b", "c"]


def test_a_clock_that_is_set_back_does_not_turn_the_turn_back(anna, assigned):
    accounts(anna, "a", "b")
    visited = []

    for hours in (3, 2, 1, 0):
        add_customers(anna, 1)
        visited += shares(assigned(NOW + dt.timedelta(hours=hours)))
        Customer.objects.all().delete()

    assert visited == ["a", "b", "a", "b"]


def test_a_new_account_comes_first(anna, assigned):
    accounts(anna, "a", "b")
    add_customers(anna, 3)
    assigned()
    accounts(anna, "new")
    Customer.objects.all().delete()
    add_customers(anna, 1)

    assert shares(assigned()) == {"new": 1}


def test_turns_of_two_owners_are_their_own(anna, boris, assigned):
    accounts(anna, "a", "b")
    accounts(boris, "c")
    add_customers(anna, 3)
    assigned()

    turns = EmlAccountsQueue.objects.values_list("owner__username", flat=True)
    assert Counter(turns) == {"anna": 2}


def test_recipients_keep_their_account(anna, assigned):
    accounts(anna, "a", "b", "c")
    add_customers(anna, 7)
    first = assigned()
    second = assigned()

    def by_recipient(mailing):
        return dict(mailing.deliveries.values_list("object_id", "email_account"))

    assert by_recipient(first) == by_recipient(second)
    assert set(MassContact.objects.values_list("email_account", flat=True)) == set(
        EmailAccount.objects.values_list("pk", flat=True)
    )


def test_a_bound_recipient_takes_no_turn(anna, assigned):
    bound, _other = accounts(anna, "a", "b")
    prepare_identities(anna, 5)
    binding(email_account=bound)

    assert shares(assigned()) == {"a": 5}
    assert not EmlAccountsQueue.objects.filter(last_turn_at__isnull=False).exists()


def test_a_foreign_binding_is_replaced(anna, boris, assigned):
    [mine] = accounts(anna, "mine")
    [foreign] = accounts(boris, "foreign")
    prepare_identities(anna, 2)
    binding(email_account=foreign)

    assert shares(assigned()) == {"mine": 2}
    assert set(MassContact.objects.values_list("email_account", flat=True)) == {mine.pk}


def test_a_binding_whose_account_is_gone_is_replaced(anna, assigned):
    mine, gone = accounts(anna, "mine", "gone")
    prepare_identities(anna, 2)
    binding(email_account=gone)
    gone.delete()

    assert shares(assigned()) == {"mine": 2}
    assert set(MassContact.objects.values_list("email_account", flat=True)) == {mine.pk}


@pytest.mark.parametrize("field", ["for_massmail", "is_main"])
def test_an_own_account_that_does_not_serve_stays_bound(anna, assigned, field):
    _mine, resting = accounts(anna, "mine", "resting")
    setattr(resting, field, field == "is_main")
    resting.save()
    prepare_identities(anna, 2)
    binding(email_account=resting)

    assert shares(assigned()) == {"mine": 2}
    assert set(MassContact.objects.values_list("email_account", flat=True)) == {
        resting.pk
    }


def test_vips_are_mailed_from_the_main_account_and_nobody_else_is(anna, assigned):
    accounts(anna, "mass")
    MainAccountFactory(owner=anna, name="main")
    prepare_identities(anna, 4)
    vip = MassContact.objects.first()
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True)

    mailing = assigned()

    assert shares(mailing) == {"main": 1, "mass": 3}
    assert mailing.deliveries.get(mass_contact=vip).email_account.name == "main"


def test_a_main_account_for_mass_mail_serves_vips_only(anna, assigned):
    MainAccountFactory(owner=anna, name="main", for_massmail=True)
    prepare_identities(anna, 2)
    MassContact.objects.filter(pk=MassContact.objects.first().pk).update(is_vip=True)

    mailing = assigned()

    assert shares(mailing) == {"main": 1}
    assert mailing.skip_counts() == {"no_account": 1}


def test_a_vip_without_a_main_account_has_no_account(anna, assigned):
    [mass] = accounts(anna, "mass")
    prepare_identities(anna, 2)
    vip = MassContact.objects.first()
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True, email_account=mass)

    mailing = assigned()

    assert shares(mailing) == {"mass": 1}
    row = mailing.deliveries.get(mass_contact=vip)
    assert (row.status, row.reason) == ("skipped", "no_account")


def test_a_vip_keeps_the_account_that_it_was_bound_to(anna, assigned):
    [mass] = accounts(anna, "mass")
    MainAccountFactory(owner=anna)
    prepare_identities(anna, 1)
    binding(is_vip=True, email_account=mass)

    assigned()

    assert MassContact.objects.get().email_account == mass


def test_a_colleagues_main_account_serves_no_vip_of_mine(anna, boris, assigned):
    accounts(anna, "mass")
    MainAccountFactory(owner=boris, co_owner=anna)
    prepare_identities(anna, 1)
    binding(is_vip=True)

    assert assigned().skip_counts() == {"no_account": 1}


@pytest.mark.parametrize(
    "fields", [{"for_massmail": False}, {"is_main": True}, {"owner": None}]
)
def test_without_an_account_for_it_a_row_is_skipped(anna, boris, assigned, fields):
    EmailAccountFactory(**{"owner": anna, **fields, **others_own(fields, boris)})
    add_customers(anna, 2)

    mailing = assigned()

    assert mailing.skip_counts() == {"no_account": 2}
    assert not MassContact.objects.exclude(email_account=None).exists()


def others_own(fields, other):
    return {"owner": other} if "owner" in fields else {}


def test_a_co_owned_account_takes_its_turns(anna, boris, assigned):
    accounts(anna, "mine")
    accounts(boris, "shared", co_owner=anna)
    add_customers(anna, 4)

    assert shares(assigned()) == {"mine": 2, "shared": 2}


def test_a_co_owned_binding_is_kept(anna, boris, assigned):
    accounts(anna, "mine")
    [shared] = accounts(boris, "shared", co_owner=anna)
    prepare_identities(anna, 3)
    binding(email_account=shared)

    assert shares(assigned()) == {"shared": 3}


def test_a_stopped_account_gets_nobody_new(anna, assigned):
    accounts(anna, "stopped", state=STOPPED)
    accounts(anna, "mine")
    add_customers(anna, 3)

    assert shares(assigned()) == {"mine": 3}


def test_whoever_is_bound_to_a_stopped_account_waits_for_it(anna, assigned):
    [stopped] = accounts(anna, "stopped", state=STOPPED)
    accounts(anna, "mine")
    prepare_identities(anna, 1)
    binding(email_account=stopped)
    CustomerFactory(owner=anna)

    assert shares(assigned()) == {"stopped": 1, "mine": 1}


def test_a_stopped_account_serves_where_there_is_no_other(anna, assigned):
    accounts(anna, "stopped", state=STOPPED)
    add_customers(anna, 2)

    assert shares(assigned()) == {"stopped": 2}


def test_rows_that_are_not_mailed_take_no_turn(anna, assigned):
    accounts(anna, "a", "b")
    add_customers(anna, 2, disqualified=True)

    mailing = assigned()

    assert mailing.skip_counts() == {"disqualified": 2}
    assert not mailing.deliveries.exclude(email_account=None).exists()
    assert not EmlAccountsQueue.objects.filter(last_turn_at__isnull=False).exists()


def test_repeating_the_assignment_changes_nothing(anna, assigned):
    accounts(anna, "a", "b")
    add_customers(anna, 5)
    mailing = assigned()
    before = list(mailing.deliveries.values("pk", "email_account", "status"))
    accounts(anna, "new")

    assign_accounts(mailing, now=NOW)

    assert list(mailing.deliveries.values("pk", "email_account", "status")) == before


def test_chunks_of_the_assignment_make_no_difference(anna, assigned, monkeypatch):
    monkeypatch.setattr("massmail.orchestrator.launching.CHUNK", 4)
    accounts(anna, "a", "b", "c")
    add_customers(anna, 10)

    mailing = assigned()

    assert sorted(shares(mailing).values()) == [3, 3, 4]
    assert not mailing.deliveries.filter(email_account=None).exists()


def test_another_owners_mailing_leaves_my_binding(anna, boris, assigned, message):
    [mine] = accounts(anna, "mine")
    [his] = accounts(boris, "his")
    prepare_identities(anna, 1)
    binding(email_account=his)
    stranger = UserFactory()
    accounts(stranger, "strange")

    assigned()

    assert MassContact.objects.get().email_account == mine
