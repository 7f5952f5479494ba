"""Mailing identities and the "don't mail" list in the admin."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from massmail.forms.suppressed_address import SuppressedAddressForm
from massmail.models import MassContact, SuppressedAddress
from massmail.tests.factories import (
    CustomerFactory,
    EmailAccountFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tests.site.conftest import page


@pytest.fixture
def identity(owner):
    return MassContactFactory(recipient__owner=owner)


def test_people_see_the_identities_of_whom_they_may_mail(browser, owner):
    mine = [
        MassContactFactory(recipient=factory(owner=owner))
        for factory in (CustomerFactory, SubscriberFactory, MemberFactory)
    ]
    for factory in (CustomerFactory, SubscriberFactory, MemberFactory):
        MassContactFactory(recipient=factory(name="A stranger's"))

    response = browser(owner).get(page(MassContact, "changelist"))

    assert set(response.context["cl"].result_list) == set(mine)
    assert "A stranger" not in response.content.decode()


def test_the_list_of_identities_costs_the_same_for_any_number(
    browser, superuser, django_assert_max_num_queries
):
    for _number in range(20):
        MassContactFactory()
    client = browser(superuser)

    with django_assert_max_num_queries(12):
        client.get(page(MassContact, "changelist"))


def test_a_recipient_becomes_a_vip_with_an_account(browser, owner, identity):
    account = EmailAccountFactory(owner=owner)
    data = {"is_vip": "on", "subscribed": "on", "email_account": account.pk}

    browser(owner).post(page(identity), data)

    identity.refresh_from_db()
    assert (identity.is_vip, identity.email_account) == (True, account)


def test_a_foreign_account_is_refused(browser, owner, identity):
    data = {"subscribed": "on", "email_account": EmailAccountFactory().pk}

    response = browser(owner).post(page(identity), data)

    assert "email_account" in response.context["adminform"].form.errors


def test_a_person_can_be_unsubscribed_but_not_subscribed_again(
    browser, owner, superuser, identity
):
    browser(owner).post(page(identity), {})
    identity.refresh_from_db()
    assert not identity.subscribed

    for user in (owner, superuser):
        browser(user).post(page(identity), {"subscribed": "on"})
        identity.refresh_from_db()
        assert not identity.subscribed


def test_an_objection_to_tracking_is_not_a_colleagues_to_take_back(
    browser, owner, superuser, identity
):
    owner.user_permissions.remove(*Permission.objects.filter(codename="lift_opt_out"))
    identity.allows_tracking = False
    identity.save()
    wish = {"subscribed": "on", "allows_tracking": "on"}

    browser(owner).post(page(identity), wish)
    identity.refresh_from_db()
    assert not identity.allows_tracking

    browser(superuser).post(page(identity), wish)
    identity.refresh_from_db()
    assert identity.allows_tracking


def test_a_foreign_identity_is_not_found(browser, colleague, identity):
    assert browser(colleague).get(page(identity)).status_code == 302
    assert browser(colleague).post(page(identity), {}).status_code == 302
    identity.refresh_from_db()
    assert identity.subscribed


def test_an_address_is_added_with_who_and_key(browser, owner):
    data = {"address": "zoe@a.de", "reason": "manual"}

    browser(owner).post(page(SuppressedAddress, "add"), data)

    row = SuppressedAddress.objects.get()
    assert (row.by, row.source) == (owner, "entered by hand")
    assert SuppressedAddress.objects.covers("ZOE@A.de")


def test_an_address_may_be_added_while_its_owner_leaves(browser, owner, monkeypatch):
    """The form has looked, and the recipient was quicker."""
    SuppressedAddressFactory(address="zoe@a.de", reason="opted_out")
    monkeypatch.setattr(SuppressedAddressForm, "refuse_known", lambda *_, **__: None)

    response = browser(owner).post(
        page(SuppressedAddress, "add"), {"address": "zoe@a.de"}
    )

    assert response.status_code == 302
    assert SuppressedAddress.objects.get().reason == "opted_out"


def test_who_lifts_an_opt_out_is_told_what_is_left_of_it(browser, superuser):
    row = SuppressedAddressFactory(reason="opted_out")

    response = browser(superuser).post(page(row, "delete"), {"post": "yes"})

    assert not SuppressedAddress.objects.exists()
    told = [str(message) for message in get_messages(response.wsgi_request)]
    assert any("the record stays so until" in text for text in told)


def test_a_domain_is_added_as_a_label(browser, superuser):
    data = {"domain": " @Bücher.example ", "reason": "manual"}

    browser(superuser).post(page(SuppressedAddress, "add"), data)

    assert SuppressedAddress.objects.get().domain == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"address": "nobody"},
        {"domain": "a b"},
        {"address": "a@example.com", "domain": "example.com"},
        {"address": "Known@EXAMPLE.com"},
        {"domain": "Known.example"},
    ],
    ids=["nothing", "no address", "no domain", "both", "known", "known domain"],
)
def test_what_is_wrong_or_known_is_refused_with_words(browser, superuser, data):
    SuppressedAddressFactory(address="known@example.com")
    SuppressedAddress.objects.create(domain="known.example")

    response = browser(superuser).post(
        page(SuppressedAddress, "add"), data | {"reason": "manual"}
    )

    assert response.status_code == 200
    assert response.context["adminform"].form.errors
    assert SuppressedAddress.objects.count() == 2


def test_only_superusers_see_what_others_added(browser, owner, superuser):
    mine = SuppressedAddressFactory(by=owner)
    theirs = SuppressedAddressFactory()
    url = page(SuppressedAddress, "changelist")

    assert list(browser(owner).get(url).context["cl"].result_list) == [mine]
    assert browser(superuser).get(url).context["cl"].result_count == 2
    assert browser(owner).get(page(theirs)).status_code == 302


def test_only_superusers_take_an_address_off_the_list(browser, owner, superuser):
    row = SuppressedAddressFactory(by=owner)

    browser(owner).post(page(row, "delete"), {"post": "yes"})
    assert SuppressedAddress.objects.exists()

    browser(superuser).post(page(row, "delete"), {"post": "yes"})
    assert not SuppressedAddress.objects.exists()


def test_a_colleague_adds_addresses_and_says_nothing_for_their_recipients(
    browser, owner
):
    """Neither a domain, which concerns everybody, nor a reason."""
    data = {"address": "zoe@a.de", "domain": "a.de", "reason": "opted_out"}

    browser(owner).post(page(SuppressedAddress, "add"), data)

    row = SuppressedAddress.objects.get()
    assert (row.address, row.domain, row.reason) == ("zoe@a.de", "", "manual")


def test_an_address_is_needed(browser, owner):
    response = browser(owner).post(page(SuppressedAddress, "add"), {"domain": "a.de"})

    assert "address" in response.context["adminform"].form.errors
    assert not SuppressedAddress.objects.exists()


def test_an_opt_out_stays_whoever_asks_but_a_superuser(browser, owner, superuser):
    row = SuppressedAddressFactory(reason="opted_out", by=owner)
    action = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}

    browser(owner).post(page(row, "delete"), {"post": "yes"})
    browser(owner).post(page(SuppressedAddress, "changelist"), action)
    assert SuppressedAddress.objects.exists()

    browser(superuser).post(page(SuppressedAddress, "changelist"), action)
    assert not SuppressedAddress.objects.exists()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.is_deletion()) == (superuser, True)
    assert entry.object_repr == row.address


def test_an_address_is_found_in_any_spelling_and_after_erasure(browser, superuser):
    erased = SuppressedAddressFactory(address="zoe@faß.de")
    SuppressedAddress.objects.filter(pk=erased.pk).update(address="")
    SuppressedAddressFactory(address="zoe@fass.de")
    url = page(SuppressedAddress, "changelist")

    found = browser(superuser).get(url, {"q": " ZOE@Faß.de "}).context["cl"]

    assert list(found.result_list) == [erased]


def test_a_domain_is_found_as_it_is_written(browser, superuser):
    row = SuppressedAddress.objects.create(domain="xn--bcher-kva.example")
    url = page(SuppressedAddress, "changelist")

    found = browser(superuser).get(url, {"q": "@Bücher.example"}).context["cl"]

    assert list(found.result_list) == [row]


def test_a_search_finds_only_what_the_person_added(browser, owner):
    SuppressedAddressFactory(address="zoe@a.de")
    url = page(SuppressedAddress, "changelist")

    found = browser(owner).get(url, {"q": "zoe@a.de"}).context["cl"]

    assert not found.result_list


def test_the_list_is_filtered_by_reason(browser, superuser):
    bounced = SuppressedAddressFactory(reason="hard_bounce")
    SuppressedAddressFactory(reason="opted_out")
    url = page(SuppressedAddress, "changelist")

    found = browser(superuser).get(url, {"reason__exact": "hard_bounce"}).context["cl"]

    assert list(found.result_list) == [bounced]
