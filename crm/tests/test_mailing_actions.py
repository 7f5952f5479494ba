"""Mailings begin in the lists of records; who does not mail is not offered it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory
from massmail.models import MailingOut, MassContact

pytestmark = pytest.mark.django_db
ACTIONS = ("create_mailing", "mark_as_vip", "remove_vip")


def list_of(record):
    return reverse(f"admin:crm_{record._meta.model_name}_changelist")


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_a_manager_begins_in_each_of_the_three_lists(client, owner, factory):
    record = factory(owner=owner)
    client.force_login(owner)

    html = client.get(list_of(record)).content.decode()
    asked = client.post(
        list_of(record),
        {"action": "create_mailing", "_selected_action": record.pk, "index": 0},
    )

    assert all(f'value="{name}"' in html for name in ACTIONS)
    assert asked.status_code == 200
    assert asked.context["chosen"].mine == 1


@pytest.mark.parametrize("role", ["operator", "superoperator", "chief"])
def test_who_does_not_mail_is_not_offered_it(request, client, owner, north, role):
    contact = ContactFactory(owner=owner, department=north.group)
    client.force_login(request.getfixturevalue(role))

    html = client.get(list_of(contact)).content.decode()
    for action in ACTIONS:
        client.post(
            list_of(contact),
            {"action": action, "_selected_action": contact.pk, "index": 0},
        )

    assert "owner" in html
    assert not any(f'value="{name}"' in html for name in ACTIONS)
    assert not MassContact.objects.exists()
    assert not MailingOut.objects.exists()


def test_a_superuser_is_told_whom_he_may_not_mail(client, superuser, owner):
    contact = ContactFactory(owner=owner)
    client.force_login(superuser)

    asked = client.post(
        list_of(contact),
        {"action": "create_mailing", "_selected_action": contact.pk, "index": 0},
    )

    assert "None of them is assigned to you." in asked.content.decode()


def test_daily_work_comes_first_on_the_home_page(client, superuser):
    client.force_login(superuser)

    apps = client.get(reverse("admin:index")).context["app_list"]
    models = {
        app["app_label"]: [m["object_name"] for m in app["models"]] for app in apps
    }

    assert models["crm"][:3] == ["Company", "Contact", "Lead"]
    assert models["massmail"][:3] == ["MailingOut", "EmlMessage", "Signature"]
