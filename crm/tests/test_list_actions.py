"""Target lists are filled and emptied in the lists of records."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory
from massmail.models import SuppressedAddress, TargetList, TargetListMember
from massmail.tests.factories import TargetListFactory

pytestmark = pytest.mark.django_db
ADD, REMOVE = "add_to_target_list", "remove_from_target_list"


@pytest.fixture
def act(client, owner):
    client.force_login(owner)

    def post(action, *records, **data):
        meta = records[0]._meta
        url = reverse(f"admin:crm_{meta.model_name}_changelist")
        keys = [record.pk for record in records]
        values = {"action": action, "_selected_action": keys, "index": 0}
        return client.post(url, values | data, follow=True)

    return post


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_records_of_each_type_are_put_on_a_new_list(act, owner, factory):
    record = factory(owner=owner)

    asked = act(ADD, record)
    assert "Name of the new list" in asked.text
    assert not TargetList.objects.exists()
    told = act(ADD, record, apply=1, name="Hot", public_name="News")

    target_list = TargetList.objects.get()
    assert (target_list.name, target_list.owner) == ("Hot", owner)
    assert "1 record was put on the list." in told.text
    assert TargetListMember.objects.get().object_id == str(record.pk)


def test_everybody_on_all_pages_and_each_once(act, owner):
    people = ContactFactory.create_batch(3, owner=owner)
    foreign = ContactFactory()
    target_list = TargetListFactory(owner=owner)

    act(ADD, people[0], apply=1, target_list=target_list.pk)
    told = act(ADD, people[0], apply=1, target_list=target_list.pk, select_across=1)

    assert "2 records were put on the list. 1 was on it already." in told.text
    keys = set(TargetListMember.objects.values_list("object_id", flat=True))
    assert keys == {str(person.pk) for person in people}
    assert str(foreign.pk) not in keys


def test_records_are_taken_off(act, owner):
    people = ContactFactory.create_batch(2, owner=owner)
    target_list, other = TargetListFactory.create_batch(2, owner=owner)
    for one in (target_list, other):
        act(ADD, *people, apply=1, target_list=one.pk)

    told = act(REMOVE, people[0], apply=1, target_list=target_list.pk)

    assert "1 record was taken off the list." in told.text
    assert target_list.members.get().object_id == str(people[1].pk)
    assert other.members.count() == 2


@pytest.mark.parametrize("action", [ADD, REMOVE])
def test_a_colleagues_list_is_no_choice(act, owner, action):
    record = ContactFactory(owner=owner)
    theirs = TargetListFactory(name="Theirs")

    asked = act(action, record)
    answer = act(action, record, apply=1, target_list=theirs.pk)

    assert "Theirs" not in asked.text + answer.text
    assert not TargetListMember.objects.exists()


def test_a_get_does_nothing(client, owner):
    record = ContactFactory(owner=owner)
    target_list = TargetListFactory(owner=owner)
    client.force_login(owner)
    url = reverse("admin:crm_contact_changelist")

    client.get(
        url,
        {
            "action": ADD,
            "_selected_action": record.pk,
            "apply": 1,
            "target_list": target_list.pk,
        },
    )

    assert not TargetListMember.objects.exists()


@pytest.mark.parametrize("role", ["operator", "superoperator", "chief"])
def test_who_keeps_no_lists_is_not_offered_it(request, client, owner, north, role):
    contact = ContactFactory(owner=owner, department=north.group)
    target_list = TargetListFactory(owner=owner, department=north.group)
    client.force_login(request.getfixturevalue(role))
    url = reverse("admin:crm_contact_changelist")

    html = client.get(url).text
    for action in (ADD, REMOVE):
        assert f'value="{action}"' not in html
        data = {
            "action": action,
            "_selected_action": contact.pk,
            "apply": 1,
            "target_list": target_list.pk,
        }
        client.post(url, data)

    assert not TargetListMember.objects.exists()


def test_the_records_page_tells_its_lists_and_those_left(act, client, owner):
    record = ContactFactory(owner=owner)
    target_list = TargetListFactory(owner=owner, name="Hot", public_name="News")
    act(ADD, record, apply=1, target_list=target_list.pk)
    theirs = TargetListFactory(name="Theirs", public_name="Events")
    SuppressedAddress.objects.suppress(
        record.email, reason="opted_out", source="x", target_list=theirs
    )

    html = client.get(reverse("admin:crm_contact_mailings", args=[record.pk])).text

    assert ">Hot</a>" in html
    assert "Unsubscribed from “Events” alone" in html
    assert "Theirs" not in html


@pytest.mark.parametrize("key", ["9" * 30, "\0", "x"])
def test_any_key_of_a_list_is_a_page(act, owner, key):
    record = ContactFactory(owner=owner)
    TargetListFactory(owner=owner)

    answer = act(ADD, record, apply=1, target_list=key, name="Hot")

    assert answer.status_code == 200
    assert not TargetListMember.objects.exists()


def test_a_list_that_recipients_know_no_more_has_no_empty_name(act, client, owner):
    record = ContactFactory(owner=owner)
    for name in ("", "News"):
        SuppressedAddress.objects.suppress(
            record.email,
            reason="opted_out",
            source="x",
            target_list=TargetListFactory(name="Internal", public_name=name),
        )

    html = client.get(reverse("admin:crm_contact_mailings", args=[record.pk])).text

    assert "Unsubscribed from “News” alone" in html
    assert "“”" not in html
    assert "Internal" not in html
