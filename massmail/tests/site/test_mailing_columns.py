"""Lists of records tell who is a VIP and who gets mailings, at a constant cost."""

from __future__ import annotations

from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.models import DeliveryEvent, SuppressedAddress
from massmail.recipients import registry
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryEventFactory,
    DeliveryFactory,
    MailingOutFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tests.hostapp.models import Member

pytestmark = pytest.mark.urls("massmail.tests.site.urls")


@pytest.fixture
def listed(browser, owner):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)

    def load(model="customer", **query):
        response = browser(owner).get(f"/hostapp/{model}/", query)
        rows = response.context["cl"].result_list
        return {row.pk: row.newsletter_facts for row in rows}, response

    return load


def state(listed, person):
    facts, _response = listed(person._meta.model_name)
    return facts[person.pk]


def test_who_was_never_mailed_and_who_was(listed, owner):
    new, known = CustomerFactory(owner=owner), CustomerFactory(owner=owner)
    DeliveryFactory(recipient=known, status="sent", sent_at=NOW)
    DeliveryFactory(recipient=new, status="skipped")

    assert state(listed, new).state == "never_mailed"
    assert state(listed, known).state == "subscribed"
    assert state(listed, known).last_sent_at == NOW


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_an_opt_out_says_when_and_from_what(listed, owner, factory):
    person = factory(owner=owner, email="Ada@Example.com")
    row = DeliveryFactory(
        mailing=MailingOutFactory(owner=owner, launched=True, name="Spring"),
        recipient=person,
        status="sent",
    )
    DeliveryEventFactory(delivery=row, kind=DeliveryEvent.Kind.UNSUBSCRIBED)
    SuppressedAddressFactory(address="ada@example.com", reason="opted_out")

    facts = state(listed, person)

    assert (facts.state, facts.since, facts.origin) == ("opted_out", NOW, "Spring")


def test_a_colleagues_mailing_is_not_named(listed, owner, colleague):
    person = CustomerFactory(owner=owner, email="ada@example.com")
    row = DeliveryFactory(
        mailing=MailingOutFactory(owner=colleague, launched=True, name="Secret"),
        recipient=person,
        status="sent",
    )
    DeliveryEventFactory(delivery=row, kind=DeliveryEvent.Kind.UNSUBSCRIBED)
    SuppressedAddressFactory(
        address="ada@example.com", reason="opted_out", source="link"
    )

    facts, response = listed()

    assert facts[person.pk].origin == "link"
    assert "Secret" not in response.content.decode()


def test_each_kind_of_opt_out_counts(listed, owner):
    by_address = CustomerFactory(owner=owner)
    SuppressedAddress.objects.suppress(
        by_address.email, reason="opted_out", source="phone"
    )
    by_identity = CustomerFactory(owner=owner)
    MassContactFactory(recipient=by_identity, subscribed=False)
    by_host = CustomerFactory(owner=owner, accepts_mailings=False)

    for person in (by_address, by_identity, by_host):
        assert state(listed, person).state == "opted_out"


def test_what_else_keeps_mail_away_is_told(listed, owner):
    complained = CustomerFactory(owner=owner)
    SuppressedAddressFactory(address=complained.email, reason="complaint")
    domain = CustomerFactory(owner=owner, email="x@mail.rival.example")
    SuppressedAddressFactory(address="", domain="rival.example", reason="manual")
    nowhere = CustomerFactory(owner=owner, email="no address")

    facts = state(listed, complained)
    assert (facts.state, facts.origin) == ("suppressed", "complained about spam")
    assert state(listed, domain).state == "suppressed"
    assert state(listed, nowhere).state == "no_address"


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_vips_are_marked_and_found(listed, owner, factory):
    vip, other = factory(owner=owner), factory(owner=owner)
    MassContactFactory(recipient=vip, is_vip=True)
    MassContactFactory(recipient=other)
    model = vip._meta.model_name

    assert state(listed, vip).is_vip
    assert not state(listed, other).is_vip
    assert set(listed(model, vip="yes")[0]) == {vip.pk}
    assert set(listed(model, vip="no")[0]) == {other.pk}


def test_the_columns_cost_the_same_for_any_number_of_rows(listed, owner):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            listed()
        return len(captured)

    def add(count):
        for _number in range(count):
            row = DeliveryFactory(recipient=CustomerFactory(owner=owner), status="sent")
            DeliveryEventFactory(delivery=row, kind="unsubscribed")
            SuppressedAddressFactory(address=row.address, reason="opted_out")

    add(1)
    queries()
    few = queries()
    add(12)

    assert queries() == few


@pytest.fixture
def without_source():
    """Members cannot be mailed any more."""
    with mock.patch.dict(registry._sources):
        registry.unregister(Member)
        yield


def test_lists_and_pages_of_what_cannot_be_mailed_are_ordinary(
    browser, superuser, without_source
):
    client, member = browser(superuser), MemberFactory(owner=superuser)
    page = f"/hostapp/member/{member.pk}"

    shown = client.get("/hostapp/member/")

    assert shown.status_code == 200
    assert str(member) in shown.text
    assert "mm-newsletter" not in shown.text
    assert client.get("/hostapp/member/", {"vip": "yes"}).status_code == 302
    record = client.get(f"{page}/change/")
    assert record.status_code == 200
    assert "mm-tabs" not in record.text
    assert client.get(f"{page}/mailings/").status_code == 404
    assert client.post(f"{page}/opt-out/", {"reason": "x"}).status_code == 404
    assert client.post(f"{page}/tracking/").status_code == 404
