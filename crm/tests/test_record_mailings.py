"""The tab "Mailings" of a record, for each role."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType

from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory
from massmail.models import SuppressedAddress
from massmail.tests.factories import DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


def place(record, name="mailings"):
    return f"/crm/{record._meta.model_name}/{record.pk}/{name}/"


@pytest.fixture
def contact(owner, north):
    return ContactFactory(owner=owner, department=north.group, email="ada@example.com")


@pytest.fixture
def mailed(owner, north, contact):
    """A mailing of the owner that has reached the contact."""
    mailing = MailingOutFactory(
        owner=owner,
        department=north.group,
        launched=True,
        name="Spring letter",
        content_type=ContentType.objects.get_for_model(contact),
    )
    DeliveryFactory(
        mailing=mailing,
        recipient=contact,
        name="Ada",
        status="sent",
        email_account__owner=owner,
    )
    return mailing


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_each_kind_of_record_has_it(client, owner, factory):
    record = factory(owner=owner)
    client.force_login(owner)

    html = client.get(place(record, "change")).content.decode()

    assert f'href="{place(record)}"' in html
    assert client.get(place(record)).status_code == 200


@pytest.mark.parametrize(
    ("role", "sees_page", "sees_name", "may_opt_out"),
    [
        ("owner", True, True, True),
        ("chief", True, True, False),
        ("operator", True, False, True),
        ("superoperator", True, False, True),
        ("head", False, False, False),
        ("colleague", False, False, False),
        ("superuser", True, True, True),
    ],
)
def test_who_sees_and_does_what(
    request, client, contact, mailed, role, sees_page, sees_name, may_opt_out
):
    client.force_login(request.getfixturevalue(role))

    response = client.get(place(contact))
    client.post(place(contact, "opt-out"), {"reason": "on the phone"})

    assert (response.status_code == 200) == sees_page
    assert ("Spring letter" in response.content.decode()) == sees_name
    assert SuppressedAddress.objects.covers(contact.email) == may_opt_out


@pytest.mark.parametrize("role", ["owner", "chief", "operator", "superoperator"])
def test_what_the_recipient_decided_is_no_roles_to_lift(request, client, contact, role):
    SuppressedAddress.objects.suppress(
        contact.email, reason="opted_out", source="unsubscribe link"
    )
    client.force_login(request.getfixturevalue(role))

    client.post(place(contact, "subscribe-again"), {"reason": "he wants it"})

    assert SuppressedAddress.objects.covers(contact.email)
