"""The pages of target lists."""

from __future__ import annotations

import pytest
from django import forms
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.http import QueryDict

from massmail.models import (
    Delivery,
    SuppressedAddress,
    TargetList,
    TargetListMember,
)
from massmail.site.target_list import shown
from massmail.tests.factories import (
    CustomerFactory,
    DeliveryFactory,
    EmlMessageFactory,
    MailingOutFactory,
    SubscriberFactory,
    TargetListFactory,
    TargetListMemberFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers
from massmail.tests.site.conftest import page

pytestmark = pytest.mark.urls("massmail.tests.site.urls")
CREATE = "/massmail/mailingout/create/hostapp.customer/"


@pytest.fixture
def client(browser, owner):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    return browser(owner)


@pytest.fixture
def target_list(owner):
    return TargetListFactory(owner=owner, name="Hot leads", public_name="News")


def put_on(target_list, *records):
    for record in records:
        TargetListMemberFactory(target_list=target_list, recipient=record)


def test_the_list_tells_how_many_are_on_it_and_how_many_left(
    client, target_list, owner
):
    put_on(target_list, CustomerFactory(owner=owner), CustomerFactory())
    SuppressedAddress.objects.suppress(
        "a@example.com", reason="opted_out", source="x", target_list=target_list
    )
    TargetListFactory(name="A colleague's")
    TargetListFactory(owner=owner, name="Retired", retired_at="2026-01-01T00:00Z")

    response = client.get(page(TargetList, "changelist"))

    [row] = response.context["cl"].result_list
    assert (row.name, row.member_count, row.left_count) == ("Hot leads", 2, 1)


def test_its_page_tells_whom_one_may_mail_and_begins_a_mailing(
    client, target_list, owner
):
    put_on(target_list, CustomerFactory(owner=owner), CustomerFactory())

    response = client.get(page(target_list))

    [told] = response.context["types"]
    assert (told["total"], told["mine"]) == (2, 1)
    assert f'href="{CREATE}?list-include={target_list.pk}"' in response.text


def test_adding_one_makes_it_ones_own(client, owner):
    client.post(page(TargetList, "add"), {"name": "New", "public_name": "Letter"})

    row = TargetList.objects.get()
    assert (row.name, row.public_name, row.owner, row.kind) == (
        "New",
        "Letter",
        owner,
        "static",
    )


def test_only_those_that_one_may_mail_are_shown_by_pages(
    client, target_list, owner, django_assert_max_num_queries
):
    put_on(target_list, *add_customers(owner, 60), CustomerFactory(name="Foreign"))
    put_on(target_list, SubscriberFactory(owner=owner, name="Eva"))
    url = page(target_list, "members")

    with django_assert_max_num_queries(40):
        first = client.get(url)
    second = client.get(f"{url}?type=hostapp.customer&p=2")

    assert len(first.context["people"]) == 50
    assert len(second.context["people"]) == 10
    assert "customer0@example.com" in first.text
    assert "Foreign" not in first.text + second.text
    assert "Eva" in client.get(f"{url}?type=hostapp.subscriber").text


@pytest.mark.parametrize("query", ["", "?type=auth.user", "?p=x&type=%00", "?p=9999"])
def test_any_address_of_an_empty_list_is_a_page(client, target_list, query):
    assert client.get(page(target_list, "members") + query).status_code == 200


def test_those_ticked_are_taken_off(client, target_list, owner):
    gone, stays = (CustomerFactory(owner=owner) for _number in range(2))
    foreign = CustomerFactory()
    put_on(target_list, gone, stays, foreign)

    client.post(
        page(target_list, "members") + "?type=hostapp.customer",
        {"record": [gone.pk, foreign.pk, "x", ""]},
    )

    left = set(TargetListMember.objects.values_list("object_id", flat=True))
    assert left == {str(stays.pk), str(foreign.pk)}


def test_a_colleague_sees_and_changes_nothing(browser, colleague, target_list, owner):
    record = CustomerFactory(owner=owner)
    put_on(target_list, record)
    guest = browser(colleague)

    assert guest.get(page(target_list, "members")).status_code == 404
    answer = guest.post(page(target_list, "members"), {"record": [record.pk]})
    assert answer.status_code == 404
    guest.post(page(target_list, "delete"), {"post": "yes"})
    assert "Hot leads" not in guest.get(page(TargetList, "changelist")).text
    assert TargetListMember.objects.count() == 1


def test_who_sees_but_may_not_change_takes_nobody_off(
    browser, superuser, target_list, owner
):
    record = CustomerFactory(owner=superuser)
    put_on(target_list, record)
    superuser.is_superuser = False
    superuser.save()
    rights = Permission.objects.filter(codename="view_targetlist")
    superuser.user_permissions.set(rights)
    TargetList.objects.update(owner=superuser)

    url = page(target_list, "members")
    answer = browser(superuser).post(url, {"record": [record.pk]})

    assert answer.status_code == 403
    assert TargetListMember.objects.count() == 1


def test_deleting_one_that_mailings_had_retires_it(client, target_list, owner):
    put_on(target_list, CustomerFactory(owner=owner))
    row = DeliveryFactory(
        mailing__owner=owner, mailing__status="D", status="sent", mailing__launched=True
    )
    row.mailing.target_lists.add(target_list)

    asked = client.get(page(target_list, "delete"))
    assert "members of target lists" in asked.text.lower()
    client.post(page(target_list, "delete"), {"post": "yes"})

    assert TargetList.objects.get().retired_at is not None
    assert not TargetListMember.objects.exists()
    assert Delivery.objects.get() == row
    assert client.get(page(target_list)).status_code == 302


@pytest.mark.parametrize("relation", ["target_lists", "excluded_lists"])
def test_one_that_a_mailing_still_needs_stays(client, target_list, owner, relation):
    mailing = MailingOutFactory(owner=owner, name="Spring")
    getattr(mailing, relation).add(target_list)

    asked = client.get(page(target_list, "delete"))
    client.post(page(target_list, "delete"), {"post": "yes"})

    assert "mailing “Spring”" in asked.text
    assert TargetList.objects.get().retired_at is None


def test_several_are_deleted_at_once(client, target_list, owner):
    data = {
        "action": "delete_selected",
        "_selected_action": [target_list.pk],
        "post": "yes",
    }

    client.post(page(TargetList, "changelist"), data)

    assert not TargetList.objects.exists()


def create(client, message, counted, **data):
    values = {"name": "Spring", "how": "existing", "message": message.pk}
    return client.post(CREATE, values | {"counted": counted, "create": "1"} | data)


def test_a_mailing_is_made_from_one_list_without_another(client, target_list, owner):
    other = TargetListFactory(owner=owner)
    ada, bob = (CustomerFactory(owner=owner, name=name) for name in ("Ada", "Bob"))
    CustomerFactory(owner=owner, name="Eve")
    put_on(target_list, ada, bob, CustomerFactory(name="Foreign"))
    put_on(other, bob)
    message = EmlMessageFactory(owner=owner)
    url = f"{CREATE}?list-include={target_list.pk}&list-exclude={other.pk}"

    shown = client.get(url)
    assert shown.context["facts"]["count"] == 2
    create(
        client,
        message,
        2,
        **{"list-include": target_list.pk, "list-exclude": other.pk},
    )

    mailing = message.mailings.get()
    assert mailing.target_lists.get() == target_list
    assert mailing.excluded_lists.get() == other
    assert set(mailing.deliveries.values_list("name", "status", "reason")) == {
        ("Ada", "queued", ""),
        ("Bob", "skipped", "excluded"),
    }
    assert "Hot leads" in client.get(page(mailing)).text


def test_a_colleagues_list_is_no_choice(client, owner):
    theirs = TargetListFactory(name="Theirs")
    TargetListFactory(owner=owner)
    message = EmlMessageFactory(owner=owner)
    CustomerFactory(owner=owner)

    assert "Theirs" not in client.get(CREATE).text
    answer = create(client, message, 1, **{"list-include": theirs.pk})

    assert answer.status_code == 200
    assert not message.mailings.exists()


def keep(client, **data):
    values = {"keep": "1", "keep-name": "Delft", "keep-public_name": "News of Delft"}
    return client.post(CREATE, values | data)


def test_a_filter_is_kept_as_a_list(client, owner):
    CustomerFactory(owner=owner, city="Delft", name="Ada")
    CustomerFactory(owner=owner)

    keep(client, **{"record-city": "Delft"})

    target_list = TargetList.objects.get()
    assert (target_list.kind, target_list.public_name) == ("filter", "News of Delft")
    assert target_list.content_type == ContentType.objects.get_for_model(Customer)
    response = client.get(page(target_list))
    assert "City: Delft" in response.text
    assert response.context["types"][0]["mine"] == 1
    assert "Ada" in client.get(page(target_list, "members")).text
    begun = client.get(f"{CREATE}?list-include={target_list.pk}")
    assert begun.context["facts"]["count"] == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"record-city": "Delft", "mail-vip": "yes"},
        {"record-city": "Delft", "keep-name": ""},
        {"record-city": "Delft", "mail-not_since": "x"},
    ],
    ids=["no filter", "another filter", "no name", "wrong"],
)
def test_what_no_list_can_keep_is_refused(client, owner, data):
    answer = keep(client, **data)

    assert answer.status_code == 200
    assert "errorlist" in answer.text
    assert not TargetList.objects.exists()


def test_a_name_is_given_once(client, owner):
    TargetListFactory(owner=owner, name="Delft")

    keep(client, **{"record-city": "Delft"})

    assert TargetList.objects.count() == 1


@pytest.mark.parametrize("key", ["9" * 30, "%00", "x", "-1"])
@pytest.mark.parametrize("field", ["list-include", "list-exclude"])
def test_any_key_of_a_list_in_the_address_is_a_page(client, owner, field, key):
    TargetListFactory(owner=owner)

    assert client.get(f"{CREATE}?{field}={key}").status_code == 200


@pytest.mark.parametrize("key", ["9" * 30, "\0", "x"])
def test_any_key_of_a_record_takes_nobody_off(client, target_list, owner, key):
    put_on(target_list, CustomerFactory(owner=owner))

    answer = client.post(page(target_list, "members"), {"record": [key]})

    assert answer.status_code == 302
    assert TargetListMember.objects.count() == 1


def test_a_filter_that_does_not_work_any_more_says_so(client, owner):
    CustomerFactory(owner=owner)
    target_list = TargetListFactory(
        owner=owner,
        kind="filter",
        content_type=ContentType.objects.get_for_model(Customer),
        query="record-city=%00",
    )

    for name in ("change", "members"):
        text = client.get(page(target_list, name)).text

        assert "The filter does not work any more" in text
        assert "Create a mailing</a>" not in text


def test_what_a_filter_asked_for_and_was_deleted_is_told_in_words():
    class Filter(forms.Form):
        city = forms.ChoiceField(choices=[("1", "Delft")])

    form = Filter(QueryDict("city=1&city=7"))

    assert shown(form, "city") == "Delft, deleted meanwhile"
