"""Migrations backwards, with rows."""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from massmail.models import Delivery, MassContact, SendAttempt, SuppressedAddress
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MassContactFactory,
    SendAttemptFactory,
    TargetListFactory,
)

pytestmark = pytest.mark.django_db
GONE = 1_000_000
migration = import_module("massmail.migrations.0012_target_lists")


def test_who_left_lists_stands_once_on_the_list_of_before():
    one, other = TargetListFactory.create_batch(2)
    for address, scope in [
        ("both@example.com", one),
        ("both@example.com", other),
        ("all@example.com", one),
        ("all@example.com", None),
    ]:
        SuppressedAddress.objects.suppress(
            address, reason="opted_out", source="x", target_list=scope
        )

    migration.keep_one_of_each_address(apps, SimpleNamespace(connection=connection))

    assert set(SuppressedAddress.objects.values_list("address", "target_list")) == {
        ("both@example.com", one.pk),
        ("all@example.com", None),
    }


@pytest.fixture
def go_back(transactional_db):
    """To a state of massmail; returns its models. The end is the present again."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()

    def migrate(name):
        executor = MigrationExecutor(connection)
        return executor.migrate([("massmail", name)]).apps

    yield migrate
    MigrationExecutor(connection).migrate(newest)


def test_what_names_a_row_that_is_gone_is_no_obstacle(go_back):
    account = EmailAccountFactory()
    bound = MassContactFactory(email_account=account)
    DeliveryFactory(mass_contact=bound, email_account=account)
    attempt = SendAttemptFactory(email_account=account)
    MassContact.objects.filter(pk=MassContactFactory().pk).update(email_account=GONE)
    Delivery.objects.filter(pk=DeliveryFactory().pk).update(mass_contact=GONE)
    for field in ("delivery", "email_account"):
        one = SendAttemptFactory()
        SendAttempt.objects.filter(pk=one.pk).update(**{field: GONE})

    before = go_back("0013_fewer_indexes_of_mails")

    def values(model, field):
        rows = before.get_model("massmail", model).objects.exclude(**{field: None})
        return set(rows.values_list(field, flat=True))

    assert values("SendAttempt", "pk") == {attempt.pk}
    assert values("MassContact", "email_account") == {account.pk}
    assert GONE not in values("Delivery", "mass_contact")
    assert bound.pk in values("Delivery", "mass_contact")


def test_who_was_put_off_to_his_hours_waits_for_them_no_more(go_back):
    before = go_back("0016_dont_mail_list")
    later = NOW + dt.timedelta(days=1)
    off = DeliveryFactory(not_before=later)
    tried = DeliveryFactory(not_before=later, reason="greylisted")
    rows = before.get_model("massmail", "Delivery").objects
    rows.filter(pk=off.pk).update(reason="recipients_hours", queued_at=NOW)

    go_back("0017_zones_of_what_waits")

    off.refresh_from_db()
    tried.refresh_from_db()
    assert (off.not_before, off.reason) == (NOW, "")
    assert (tried.not_before, tried.reason) == (later, "greylisted")
