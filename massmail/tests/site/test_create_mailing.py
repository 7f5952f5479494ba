"""From a selection in a list to a mailing: two steps, the selection stays the same."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from massmail.content.starter import layout_named, starter_html
from massmail.models import EmlMessage, MailingOut
from massmail.orchestrator.preparing import prepare_mailings
from massmail.recipients.registry import source_of
from massmail.site import create_mailing
from massmail.tests.factories import (
    CustomerFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MainAccountFactory,
    MemberFactory,
    SignatureFactory,
    SubscriberFactory,
    TargetListFactory,
    TargetListMemberFactory,
)
from massmail.tests.mailings import add_customers, ready_settings, states
from massmail.tests.site.conftest import page

pytestmark = pytest.mark.urls("massmail.tests.site.urls")
LIST = "/hostapp/customer/"


@pytest.fixture
def client(browser, owner):
    """The owner's, who also works with the host's records."""
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    return browser(owner)


@pytest.fixture
def message(owner):
    return EmlMessageFactory(owner=owner)


def chosen(people, **data):
    keys = [str(person.pk) for person in people]
    return {"action": "create_mailing", "_selected_action": keys, **data}


def answer(people, message, **data):
    """What the page's form posts, as it was shown for these people."""
    return chosen(
        people,
        create="Create",
        name="spring",
        how="existing",
        message=message.pk,
        **{"counted": len(people), **data},
    )


def texts(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_the_action_asks_before_it_creates(client, owner, message):
    people = add_customers(owner, 3)

    response = client.post(LIST, chosen(people, index=0))

    html = response.content.decode()
    assert "<strong>3</strong>" in html
    for person in people:
        assert f'name="_selected_action" value="{person.pk}"' in html
    assert response.context["form"].initial["counted"] == 3
    assert not MailingOut.objects.exists()


def test_a_small_selection_is_ready_at_once(client, owner, message):
    people = add_customers(owner, 3)

    response = client.post(LIST, answer(people[:2], message))

    mailing = MailingOut.objects.get()
    assert response["Location"] == page(mailing)
    assert (mailing.name, mailing.owner, mailing.message) == ("spring", owner, message)
    assert mailing.is_draft
    assert mailing.prepared_at is not None
    assert states(mailing) == {"queued": 2}
    assert "created for 2 recipients" in texts(response)


@pytest.mark.parametrize(
    "factory", [CustomerFactory, SubscriberFactory, MemberFactory], ids=str
)
def test_keys_of_every_type_survive_the_two_steps(client, owner, message, factory):
    people = factory.create_batch(3, owner=owner)
    address = page(factory._meta.model, "changelist")

    shown = client.post(address, chosen(people[:2], index=0))
    keys = shown.context["selected_keys"]
    client.post(address, answer(people[:2], message) | {"_selected_action": keys})

    [mailing] = MailingOut.objects.all()
    assert {row.object_id for row in mailing.deliveries.all()} == {
        str(person.pk) for person in people[:2]
    }


def test_all_pages_of_a_filtered_list_are_chosen(client, owner, message):
    people = add_customers(owner, 120)
    address = f"{LIST}?q=Customer+1"
    everyone = chosen(people[1:2], select_across=1)

    shown = client.post(address, everyone | {"index": 0})
    assert 'name="select_across" value="1"' in shown.content.decode()
    data = answer(people[1:2], message, select_across=1)
    client.post(address, data | {"counted": shown.context["form"].initial["counted"]})

    # Every number below 120 that has a 1.
    assert MailingOut.objects.get().recipients_count == 39


def test_a_big_selection_is_left_to_the_job(client, owner, message, monkeypatch):
    monkeypatch.setattr(create_mailing, "AT_ONCE", 2)
    people = add_customers(owner, 3)

    client.post(LIST, answer(people, message))

    mailing = MailingOut.objects.get()
    assert mailing.prepared_at is None
    assert mailing.selection == {"chosen": 3}
    prepare_mailings(seconds=60)
    assert states(mailing) == {"queued": 3}


def test_the_number_of_queries_does_not_grow_with_the_selection(
    client, owner, message, django_assert_max_num_queries
):
    people = add_customers(owner, 3000)
    data = answer(people[:1], message, select_across=1, counted=3000)

    with django_assert_max_num_queries(45):
        client.post(LIST, data)

    assert MailingOut.objects.get().selection == {"chosen": 3000}


def test_members_of_a_list_are_left_out(client, owner, message):
    people = add_customers(owner, 2)
    excluded = TargetListFactory(owner=owner, name="Guests")
    TargetListFactory(name="Theirs")
    TargetListMemberFactory(target_list=excluded, recipient=people[0])

    html = client.post(LIST, chosen(people, index=0)).text
    client.post(LIST, answer(people, message, **{"list-exclude": excluded.pk}))

    assert "Guests" in html
    assert "Theirs" not in html
    mailing = MailingOut.objects.get()
    assert mailing.excluded_lists.get() == excluded
    assert not mailing.target_lists.exists()
    assert states(mailing) == {"queued": 1, "skipped": 1}


@pytest.mark.parametrize("key", ["theirs", "9" * 30, "\0"])
def test_a_list_that_is_no_choice_is_refused(client, owner, message, key):
    people = add_customers(owner, 1)
    TargetListFactory(owner=owner)
    key = TargetListFactory().pk if key == "theirs" else key

    response = client.post(LIST, answer(people, message, **{"list-exclude": key}))

    assert "errorlist" in response.text
    assert not MailingOut.objects.exists()


def test_a_list_that_changed_meanwhile_is_asked_about_again(client, owner, message):
    people = add_customers(owner, 3)
    data = answer(people[:1], message, select_across=1, counted=2)

    response = client.post(LIST, data)

    assert "3 records are selected, it was 2" in response.content.decode()
    assert not MailingOut.objects.exists()
    assert response.context["form"]["counted"].value() == "3"


@pytest.mark.parametrize(
    "key", ["x", "99999999999999999999", "-1", "1 OR 1=1", "\0", "💌"]
)
def test_keys_that_no_record_has_choose_nobody(client, owner, message, key):
    add_customers(owner, 1)
    data = answer([], message) | {"_selected_action": [key], "counted": 1}

    for extra in ({}, {"index": 0}):
        response = client.post(LIST, data | extra)
        assert response.status_code == 302
        assert texts(response)

    assert not MailingOut.objects.exists()


def test_without_a_tick_nothing_happens(client, owner):
    response = client.post(LIST, {"action": "create_mailing", "index": 0})

    assert response.status_code == 302
    assert "Items must be selected" in texts(response)


def test_a_foreign_message_is_refused(client, owner):
    people = add_customers(owner, 1)

    response = client.post(LIST, answer(people, EmlMessageFactory()))

    assert "message" in response.context["form"].errors
    assert not MailingOut.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("message", ""), ("how", "third"), ("counted", "x")],
)
def test_an_answer_with_a_hole_is_asked_again(client, owner, message, field, value):
    people = add_customers(owner, 1)

    response = client.post(LIST, answer(people, message) | {field: value})

    assert field in response.context["form"].errors
    assert not MailingOut.objects.exists()


def test_records_of_others_are_named_in_advance(client, owner, colleague, message):
    people = [*add_customers(owner, 1), CustomerFactory(owner=colleague)]

    asked = client.post(LIST, chosen(people, index=0)).content.decode()
    client.post(LIST, answer(people, message))

    assert "1 of them is not assigned to you" in asked
    assert states(MailingOut.objects.get()) == {"queued": 1, "skipped": 1}


def test_a_new_message_begins_with_a_text_that_can_be_launched(client, owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    signature = SignatureFactory(owner=owner, is_default=True)
    people = add_customers(owner, 1)
    data = answer(people, EmlMessage()) | {"how": "new", "message": ""}

    response = client.post(LIST, data | {"subject": "Spring is here"})

    message = EmlMessage.objects.get()
    mailing = MailingOut.objects.get()
    assert (message.subject, message.owner) == ("Spring is here", owner)
    assert message.signature == signature
    assert response["Location"] == f"{page(message)}?mailing={mailing.pk}"
    plan = client.get(page(mailing, "launch")).context["plan"]
    assert (plan.findings, plan.error, plan.to_mail) == ([], "", 1)


def test_a_new_message_begins_with_the_layout_that_was_chosen(client, owner):
    people = add_customers(owner, 1)
    data = answer(people, EmlMessage()) | {"how": "new", "subject": "x", "message": ""}

    client.post(LIST, data | {"layout": "letter"})

    source = source_of(type(people[0]))
    letter = starter_html(variables=source.variables, layout=layout_named("letter"))
    assert EmlMessage.objects.get().content == letter


def test_a_subject_with_a_mistake_is_refused_at_its_field(client, owner):
    people = add_customers(owner, 1)
    data = answer(people, EmlMessage()) | {"how": "new", "message": ""}

    response = client.post(LIST, data | {"subject": "Dear {{ nobody }}"})

    [error] = response.context["form"].errors["subject"]
    assert "nobody" in error
    assert not EmlMessage.objects.exists()
    assert not MailingOut.objects.exists()


def test_a_subject_names_what_its_recipients_have(client, owner):
    people = add_customers(owner, 1)
    data = answer(people, EmlMessage()) | {"how": "new", "message": ""}

    response = client.post(LIST, data | {"subject": "To {{ company }}"})

    [error] = response.context["form"].errors["subject"]
    assert "{{ company }}" in error
    assert "There are: born, city, first_name." in error
    assert not MailingOut.objects.exists()


def test_a_message_that_does_not_fit_is_told_at_once(client, owner):
    message = EmlMessageFactory(
        owner=owner, content="<p>{{ company|default:'you' }} {{ city }}</p>"
    )
    people = add_customers(owner, 1)

    response = client.post(LIST, answer(people, message))

    assert response["Location"] == page(MailingOut.objects.get())
    told = "The message uses {{ company }}, but there is no such variable for"
    assert told in texts(response)
    shown = client.get(response["Location"]).context
    assert shown["misfit"].startswith(told)


def test_a_message_that_fits_is_no_reason_for_a_word(client, owner):
    message = EmlMessageFactory(
        owner=owner, content="{% if city %}{{ first_name }}, {{ today }}{% endif %}"
    )

    response = client.post(LIST, answer(add_customers(owner, 1), message))

    assert "The message uses" not in texts(response)
    assert client.get(response["Location"]).context["misfit"] == ""


@pytest.mark.parametrize(
    ("factory", "text"),
    [
        (None, "You have no account for mass mail yet."),
        (MainAccountFactory, "You have a main account only: VIPs will be mailed"),
        (EmailAccountFactory, ""),
    ],
    ids=["none", "main", "mass mail"],
)
def test_the_page_says_what_one_can_mail_with(client, owner, message, factory, text):
    if factory:
        factory(owner=owner)
    people = add_customers(owner, 1)

    html = client.post(LIST, chosen(people, index=0)).content.decode()

    assert text in html
    assert ("mm-note" in html) is bool(text)


def test_only_who_may_add_mailings_is_offered_the_action(browser, owner, message):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.set(rights)
    client = browser(owner)
    people = add_customers(owner, 1)

    html = client.get(LIST).content.decode()
    client.post(LIST, answer(people, message))

    assert "create_mailing" not in html
    assert "mark_as_vip" not in html
    assert not MailingOut.objects.exists()
