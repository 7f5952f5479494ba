"""The button "Create a mailing": a type, its filters, a count, and the mailing."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from massmail.models import MailingOut
from massmail.tests.factories import (
    CustomerFactory,
    DeliveryFactory,
    EmlMessageFactory,
    MailingOutFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
)
from massmail.tests.mailings import add_customers

pytestmark = pytest.mark.urls("massmail.tests.site.urls")
TYPES = "/massmail/mailingout/create/"
PAGE = f"{TYPES}hostapp.customer/"


@pytest.fixture
def client(browser, owner):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    return browser(owner)


@pytest.fixture
def count(client):
    def ask(label="hostapp.customer", **filters):
        return client.get(f"{TYPES}{label}/count/", filters).json()["count"]

    return ask


@pytest.fixture
def create(client, owner):
    message = EmlMessageFactory(owner=owner)

    def post(counted, **data):
        values = {"name": "Spring", "how": "existing", "message": message.pk}
        return client.post(PAGE, values | {"counted": counted, "create": "1"} | data)

    return post


def chosen(mailing):
    return set(mailing.deliveries.values_list("name", flat=True))


def test_the_types_are_those_of_the_registry_that_the_person_may_mail(
    client, browser, colleague
):
    assert f'href="{PAGE}"' in client.get(TYPES).content.decode()
    assert f'href="{TYPES}"' in client.get("/massmail/mailingout/").content.decode()

    html = browser(colleague).get(TYPES).content.decode()
    assert "hostapp" not in html
    assert browser(colleague).get(PAGE).status_code == 404


def test_who_has_no_address_is_shown_as_such(client, owner):
    CustomerFactory(owner=owner, name="Ada", email="")

    html = client.get(PAGE).text

    assert ">no address</span>" in html


def test_without_a_right_to_mail_there_is_no_page(client, owner):
    owner.user_permissions.remove(Permission.objects.get(codename="add_mailingout"))

    assert client.get(TYPES).status_code == 403
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}count/").status_code == 403


@pytest.mark.parametrize("label", ["no.such", "auth.user", "x"])
def test_an_unknown_type_has_no_page(client, label):
    assert client.get(f"{TYPES}{label}/").status_code == 404


def test_no_filter_means_all_of_ones_own(count, owner):
    add_customers(owner, 12)
    CustomerFactory()

    assert count() == 12


def test_the_page_shows_the_count_and_ten_of_them(client, owner):
    add_customers(owner, 12)

    response = client.get(PAGE)

    html = response.content.decode()
    assert "12 are chosen." in html
    assert "customer9@example.com" in html
    assert "customer10@example.com" not in html
    assert response.context["form"]["counted"].value() == 12


def test_the_hosts_filter_narrows(count, owner):
    CustomerFactory(owner=owner, city="Delft")
    CustomerFactory(owner=owner)

    assert count(**{"record-city": "Delft"}) == 1


@pytest.mark.parametrize("factory", [CustomerFactory, SubscriberFactory, MemberFactory])
def test_what_was_mailed_before_narrows(count, owner, factory):
    new, old, late = (factory(owner=owner) for _number in range(3))
    now = timezone.now()
    DeliveryFactory(recipient=new, status="skipped")
    for person, days in ((old, 40), (late, 1)):
        at = now - dt.timedelta(days=days)
        DeliveryFactory(recipient=person, status="sent", sent_at=at)
    MassContactFactory(recipient=late, is_vip=True)
    label = new._meta.label_lower
    since = (now - dt.timedelta(days=10)).date().isoformat()

    assert count(label, **{"mail-mailed": "yes"}) == 2
    assert count(label, **{"mail-mailed": "no"}) == 1
    assert count(label, **{"mail-not_since": since}) == 2
    assert count(label, **{"mail-vip": "yes"}) == 1
    assert count(label, **{"mail-vip": "no"}) == 2


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"launched": True}, 1),
        ({"launched": True, "status": "P"}, 1),
        ({"launched": True, "status": "D"}, 2),
        ({}, 2),
    ],
)
def test_who_waits_in_another_running_mailing_can_be_left_out(
    count, owner, fields, left
):
    CustomerFactory(owner=owner)
    mailing = MailingOutFactory(owner=owner, **fields)
    DeliveryFactory(mailing=mailing, recipient=CustomerFactory(owner=owner))

    assert count(**{"mail-not_waiting": "on"}) == left


def test_a_wrong_filter_is_told_and_chooses_nobody(client, create, owner):
    add_customers(owner, 2)
    wrong = {"mail-not_since": "yesterday"}

    answer = client.get(f"{PAGE}count/", wrong).json()
    response = create(2, **wrong)

    assert answer["count"] is None
    assert "Not mailed since" in answer["errors"][0]
    assert response.status_code == 200
    assert not MailingOut.objects.exists()


def test_the_chosen_become_a_draft(create, owner):
    CustomerFactory(owner=owner, name="Ada", city="Delft")
    CustomerFactory(owner=owner, name="Bob")

    response = create(1, **{"record-city": "Delft"})

    mailing = MailingOut.objects.get()
    assert response.status_code == 302
    assert (mailing.owner, mailing.name, mailing.is_draft) == (owner, "Spring", True)
    assert chosen(mailing) == {"Ada"}


def test_another_number_than_was_told_is_asked_again(create, owner):
    add_customers(owner, 3)

    response = create(2)

    assert "3 records are selected" in response.content.decode()
    assert not MailingOut.objects.exists()
    assert create(response.context["form"].data["counted"]).status_code == 302


def test_for_nobody_nothing_is_created(create, owner):
    response = create(0)

    assert "Nobody is chosen." in response.content.decode()
    assert not MailingOut.objects.exists()


def test_counting_again_keeps_what_was_typed(client, owner):
    message = EmlMessageFactory(owner=owner)
    EmlMessageFactory(owner=owner)
    CustomerFactory(owner=owner, city="Delft")
    typed = {"name": "Autumn", "how": "existing", "message": message.pk}

    response = client.post(PAGE, typed | {"show": "1", "record-city": "Delft"})

    html = response.content.decode()
    assert 'value="Autumn"' in html
    assert 'value="Delft"' in html
    assert f'<option value="{message.pk}" selected>' in html
    assert not MailingOut.objects.exists()
