"""VIPs are marked over a whole selection, and only among one's own records."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from massmail.models import MassContact
from massmail.tests.factories import (
    CustomerFactory,
    MainAccountFactory,
    MassContactFactory,
)
from massmail.tests.mailings import add_customers

pytestmark = pytest.mark.urls("massmail.tests.site.urls")
LIST = "/hostapp/customer/"


@pytest.fixture
def act(browser, owner):
    """Do an action with some people; returns what it told."""
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    client = browser(owner)

    def post(action, people, address=LIST, **data):
        keys = [person.pk for person in people]
        values = {"action": action, "_selected_action": keys, "index": 0}
        response = client.post(address, values | data)
        assert response.status_code == 302
        return [str(text) for text in get_messages(response.wsgi_request)]

    return post


def vips():
    rows = MassContact.objects.filter(is_vip=True).values_list("object_id", flat=True)
    return {int(key) for key in rows}


def keys(people):
    return {person.pk for person in people}


def test_people_without_an_identity_become_vips(act, owner):
    MainAccountFactory(owner=owner)
    people = add_customers(owner, 3)

    assert act("mark_as_vip", people[:2]) == ["2 were marked as VIPs."]

    assert vips() == keys(people[:2])


def test_who_was_one_already_is_counted_apart(act, owner):
    MainAccountFactory(owner=owner)
    people = add_customers(owner, 2)
    MassContactFactory(recipient=people[0], is_vip=True)

    told = act("mark_as_vip", people)

    assert told == ["1 was marked as VIP. 1 was one already."]
    assert vips() == keys(people)


def test_records_of_others_are_left_alone(act, owner, colleague):
    MainAccountFactory(owner=owner)
    mine, foreign = add_customers(owner, 1)[0], CustomerFactory(owner=colleague)

    [told] = act("mark_as_vip", [mine, foreign])

    assert "1 is not assigned to you and was left alone." in told
    assert vips() == {mine.pk}
    assert not MassContact.objects.filter(object_id=str(foreign.pk)).exists()


def test_the_mark_is_taken_off_again(act, owner, colleague):
    people = add_customers(owner, 3)
    foreign = CustomerFactory(owner=colleague)
    for person in (*people[:2], foreign):
        MassContactFactory(recipient=person, is_vip=True)

    [told] = act("remove_vip", [*people, foreign])

    assert told == (
        "2 are no VIPs any more. 1 was none. "
        "1 is not assigned to you and was left alone."
    )
    assert vips() == {foreign.pk}


def test_the_whole_filtered_list_is_marked(act, owner, settings):
    settings.MASSMAIL = settings.MASSMAIL | {"PREPARE_CHUNK": 7}
    MainAccountFactory(owner=owner)
    people = add_customers(owner, 120)

    [told] = act("mark_as_vip", people[:1], f"{LIST}?q=Customer+1", select_across=1)

    assert told == "39 were marked as VIPs."
    assert len(vips()) == 39


def test_who_has_no_main_account_is_told(act, owner):
    [_counts, told] = act("mark_as_vip", add_customers(owner, 1))

    assert "you have none yet" in told
    assert "/massmail/emailaccount/add/" in told


def test_an_opt_out_stays_as_it_was(act, owner):
    [person] = add_customers(owner, 1)
    identity = MassContactFactory(recipient=person, subscribed=False)

    act("mark_as_vip", [person])

    identity.refresh_from_db()
    assert identity.is_vip
    assert not identity.subscribed
