"""The "don't mail" list and its two doors, `suppress` and `covers`."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from massmail.models import SuppressedAddress, SuppressionChange
from massmail.models.address import Address, InvalidAddress, address_key
from massmail.tests.factories import (
    SuppressedAddressFactory,
    TargetListFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
addresses = SuppressedAddress.objects


def suppress(address="Anna@Example.com", reason="manual", **fields):
    return addresses.suppress(address, reason=reason, **{"source": "test"} | fields)


def test_an_address_is_kept_as_written_and_found_however_it_is_written():
    by = UserFactory()
    row = suppress(by=by, source="the form")

    assert (row.address, row.address_key) == (
        "Anna@Example.com",
        address_key("anna@example.com"),
    )
    assert (row.reason, row.source, row.by) == ("manual", "the form", by)
    assert addresses.covers("anna@EXAMPLE.com")
    assert not addresses.covers("anna@example.org")
    assert not addresses.covers("anna@mail.example.com")


def test_suppressing_twice_is_one_row():
    assert suppress() == suppress("anna@example.com")
    assert addresses.count() == 1


@pytest.mark.parametrize("first", ["hard_bounce", "complaint", "manual"])
def test_an_opt_out_replaces_a_weaker_reason(first):
    suppress(reason=first)
    row = suppress(reason="opted_out", source="page")

    assert (row.reason, row.source) == ("opted_out", "page")
    assert addresses.get().reason == "opted_out"


@pytest.mark.parametrize("later", ["hard_bounce", "complaint", "manual"])
def test_nothing_replaces_an_opt_out(later):
    suppress(reason="opted_out", source="page")
    row = suppress(reason=later)

    assert (row.reason, row.source) == ("opted_out", "page")


def test_what_the_recipient_says_replaces_what_a_colleague_entered():
    colleague = UserFactory()
    suppress(reason="opted_out", by=colleague, source="on the phone")

    row = suppress(reason="opted_out", source="unsubscribe link")
    assert (row.by, row.source) == (None, "unsubscribe link")
    again = suppress(reason="opted_out", by=colleague, source="on the phone")

    assert (again.by, again.source) == (None, "unsubscribe link")
    assert [change.action for change in SuppressionChange.objects.all()] == [
        "changed",
        "added",
    ]


def test_an_erased_address_stays_covered_by_its_key():
    suppress(reason="opted_out")
    addresses.update(address="")

    assert addresses.covers("anna@example.com")
    assert suppress().reason == "opted_out"
    assert addresses.count() == 1
    assert str(addresses.get()) == address_key("anna@example.com")


def test_a_domain_covers_what_is_below_it():
    SuppressedAddressFactory(address="", domain="example.com")

    covered = ["a@example.com", "a@EXAMPLE.com", "a@x.y.example.com"]
    others = ["a@notexample.com", "a@com.org", "a@example.com.org", "a@example.org"]
    assert all(addresses.covers(address) for address in covered)
    assert not any(addresses.covers(address) for address in others)


def test_covering_names_all_rows_that_forbid():
    first = suppress()
    second = SuppressedAddressFactory(address="", domain="example.com")

    assert set(addresses.covering("anna@example.com")) == {first, second}


def test_an_international_domain_covers_both_its_forms():
    row = SuppressedAddress(domain="Bücher.de")
    row.full_clean()
    row.save()

    assert row.domain == "xn--bcher-kva.de"
    assert addresses.covers("x@bücher.de")
    assert addresses.covers("x@shop.xn--bcher-kva.de")


@pytest.mark.parametrize("door", [suppress, addresses.covers, addresses.covering])
def test_what_is_no_address_is_refused(door):
    with pytest.raises(InvalidAddress):
        door("anna at example.com")

    assert not addresses.exists()


def test_cleaning_fills_the_key():
    row = SuppressedAddress(address=" Anna@Example.com ")
    row.full_clean()

    assert row.address == "Anna@Example.com"
    assert row.address_key == address_key("anna@example.com")


def test_a_domain_may_be_written_with_an_at_sign():
    row = SuppressedAddress(domain=" @Example.com ")
    row.full_clean()

    assert row.domain == "example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"address": "a@example.com", "domain": "example.com"},
        {"address": "nobody"},
        {"domain": "not a domain"},
        {"domain": "com"},
    ],
    ids=str,
)
def test_a_row_is_of_an_address_or_of_a_domain(fields):
    with pytest.raises(ValidationError):
        SuppressedAddress(**fields).full_clean()


def test_an_erased_row_can_still_be_edited():
    suppress(reason="opted_out")
    addresses.update(address="")
    row = addresses.get()
    row.source = "letter of 3 May"

    row.full_clean()
    row.save()

    assert addresses.covers("anna@example.com")


@pytest.mark.parametrize(
    "fields",
    [
        {"address_key": "", "domain": ""},
        {"address_key": "0" * 32, "domain": "example.com"},
        {"address_key": address_key("anna@example.com")},
        {"domain": "example.org"},
    ],
    ids=["neither", "both", "address again", "domain again"],
)
def test_the_database_refuses_it_too(fields):
    suppress()
    SuppressedAddressFactory(address="", domain="example.org")

    with pytest.raises(IntegrityError), transaction.atomic():
        addresses.create(**fields)


def history() -> list[tuple[str, str]]:
    rows = SuppressionChange.objects.order_by("pk")
    return list(rows.values_list("action", "reason"))


def test_the_history_keeps_every_change():
    by = UserFactory()
    row = suppress(reason="hard_bounce")
    suppress(reason="complaint")
    suppress(reason="opted_out")
    addresses.filter(pk=row.pk).lift(source="undo", by=by)
    suppress(reason="manual")

    assert history() == [
        ("added", "hard_bounce"),
        ("changed", "opted_out"),
        ("lifted", "opted_out"),
        ("added", "manual"),
    ]
    lifted = SuppressionChange.objects.get(action="lifted")
    assert (lifted.source, lifted.by, lifted.address_key) == (
        "undo",
        by,
        row.address_key,
    )


def test_lifting_takes_off_these_rows_alone():
    kept = suppress("kept@example.com")
    suppress()

    assert addresses.exclude(pk=kept.pk).lift(source="undo") == 1
    assert addresses.get() == kept


def test_erasure_blanks_the_address_and_goes_on_forbidding():
    row = suppress(reason="opted_out")

    assert addresses.blank(row.address_key) == 1

    row.refresh_from_db()
    assert (row.address, row.address_key) == ("", address_key("anna@example.com"))
    assert addresses.covers("ANNA@example.com")
    assert suppress().address == ""


def test_a_whole_file_is_added_once(django_assert_max_num_queries):
    suppress("customer7@example.com", reason="opted_out")
    parsed = [Address.parse(f"customer{number}@example.com") for number in range(50)]
    facts = {"reason": "manual", "source": "file", "domains": {"example.org"}}

    with django_assert_max_num_queries(10):
        assert addresses.suppress_many(addresses=parsed, **facts) == 50
    assert addresses.suppress_many(addresses=parsed, **facts) == 0

    assert addresses.count() == 51
    assert addresses.get(address="customer7@example.com").reason == "opted_out"
    assert addresses.covers("x@sub.example.org")
    assert len(history()) == 51


def test_a_large_file_costs_few_statements(django_assert_max_num_queries):
    parsed = [Address.parse(f"customer{number}@example.com") for number in range(4000)]
    by = UserFactory()
    suppress("customer7@example.com", reason="opted_out")
    suppress("customer8@example.com", reason="manual")

    with django_assert_max_num_queries(6):
        added = addresses.suppress_many(
            addresses=parsed, domains={"a.com"}, reason="opted_out", source="f", by=by
        )

    assert added == 3999
    assert addresses.filter(reason="opted_out", source="f", by=by).count() == 4000
    written = SuppressionChange.objects.filter(source="f", by=by, reason="opted_out")
    assert written.filter(action="added").count() == 3999
    changed = written.get(action="changed")
    assert changed.address_key == address_key("customer8@example.com")
    assert written.get(domain="a.com").address_key == ""


def test_who_has_left_one_list_is_kept_from_all_by_a_file():
    only = TargetListFactory()
    suppress(reason="opted_out", target_list=only)

    assert addresses.suppress_many(
        addresses=[Address.parse("anna@example.com")], reason="opted_out", source="f"
    )

    assert set(addresses.values_list("target_list", "source")) == {
        (only.pk, "test"),
        (None, "f"),
    }
    assert len(history()) == 2


def test_an_opt_out_holds_that_meets_the_lifting_of_an_older_entry(monkeypatch):
    old = suppress("anna@example.com", reason="manual")
    add = QuerySet.bulk_create

    def then_it_is_lifted(self, *args, **kwargs):
        rows = add(self, *args, **kwargs)
        if self.model is SuppressedAddress:
            SuppressedAddress.objects.filter(pk=old.pk).delete()
        return rows

    monkeypatch.setattr(QuerySet, "bulk_create", then_it_is_lifted)

    row = suppress("anna@example.com", reason="opted_out")

    assert row.reason == "opted_out"
    assert SuppressedAddress.objects.get() == row


def test_two_imports_at_once_take_their_addresses_in_one_order():
    """Else each could wait for what the other has just added."""
    parsed = [Address.parse(f"reader{number}@example.com") for number in range(9)]
    for given in (parsed, parsed[::-1]):
        addresses.all().delete()
        addresses.suppress_many(addresses=given, reason="manual", source="a file")

        keys = addresses.order_by("pk").values_list("address_key", flat=True)
        assert list(keys) == sorted(one.key for one in parsed)
