"""Who of the company sees and does what with a row."""

from __future__ import annotations

import pytest

from crm.access import CrmAccessPolicy
from crm.models import Contact
from crm.tests.factories import ContactFactory, UserFactory
from massmail.models import EmailAccount, EmlMessage, MailingOut
from massmail.recipients.registry import source_of

policy = CrmAccessPolicy()
CAST = (
    "owner",
    "colleague",
    "chief",
    "operator",
    "superoperator",
    "head",
    "superuser",
)


@pytest.fixture
def contact(owner, north):
    return ContactFactory(owner=owner, department=north.group)


@pytest.fixture
def message(owner, north):
    return EmlMessage.objects.create(
        owner=owner, department=north.group, subject="News"
    )


@pytest.fixture
def mailing(owner, north, message):
    return MailingOut.objects.create(
        owner=owner,
        department=north.group,
        name="News",
        message=message,
        content_type=source_of(Contact).content_type,
    )


@pytest.fixture
def account(owner, north):
    return EmailAccount.objects.create(
        owner=owner,
        department=north.group,
        name="Post",
        from_email="post@example.com",
        email_host="smtp.example.com",
    )


@pytest.fixture
def cast(request):
    return {name: request.getfixturevalue(name) for name in CAST}


def seers(cast, obj) -> set[str]:
    manager = type(obj).objects
    return {
        name
        for name, user in cast.items()
        if policy.visible(user, manager.all()).filter(pk=obj.pk).exists()
    }


def doers(cast, action, obj) -> set[str]:
    return {name for name, user in cast.items() if policy.may(user, action, obj)}


def test_who_sees_a_contact(cast, contact):
    assert seers(cast, contact) == {
        "owner",
        "chief",
        "operator",
        "superoperator",
        "superuser",
    }


def test_who_sees_a_mailing(cast, mailing):
    assert seers(cast, mailing) == {"owner", "chief", "head", "superuser"}


def test_who_sees_a_message_and_an_account(cast, message, account):
    assert seers(cast, message) == {"owner", "chief", "superuser"}
    assert seers(cast, account) == {"owner", "chief", "superuser"}


def test_a_row_without_a_department_is_seen_by_its_owner_alone(cast, contact):
    Contact.objects.update(department=None)

    assert seers(cast, contact) == {"owner", "superoperator", "superuser"}


def test_a_row_of_another_department_is_not_seen(cast, contact, south):
    Contact.objects.update(department=south.group)

    assert seers(cast, contact) == {"owner", "superoperator", "superuser"}


def test_a_co_owner_sees_the_account(cast, account, colleague):
    account.co_owner = colleague
    account.save()

    assert seers(cast, account) == {"owner", "colleague", "chief", "superuser"}
    assert doers(cast, "use", account) == {"owner", "colleague", "superuser"}
    assert doers(cast, "change", account) == {"owner", "superuser"}


def test_who_changes_and_deletes_a_contact(cast, contact):
    assert doers(cast, "change", contact) == {
        "owner",
        "operator",
        "superoperator",
        "superuser",
    }
    assert doers(cast, "delete", contact) == {"owner", "superuser"}


def test_an_operator_does_not_change_another_departments_contact(
    operator, contact, south
):
    contact.department = south.group

    assert not policy.may(operator, "change", contact)


@pytest.mark.parametrize("action", ["launch", "pause", "resume", "cancel", "resolve"])
def test_a_mailing_is_its_owners(cast, mailing, action):
    assert doers(cast, action, mailing) == {"owner", "superuser"}


def test_a_chief_overrides_preflight_in_the_department(cast, mailing, south):
    assert doers(cast, "override_preflight", mailing) == {"chief", "superuser"}

    mailing.department = south.group
    mailing.save()

    assert doers(cast, "override_preflight", mailing) == {"superuser"}


@pytest.mark.parametrize("role", ["operators", "superoperators"])
def test_an_operator_never_mails(north, mailing, account, role):
    operator = UserFactory(roles=[role], department=north)
    mailing.owner = account.owner = operator

    assert not policy.may(operator, "launch", mailing)
    assert not policy.may(operator, "use", account)


def test_an_operator_who_is_a_manager_too_mails(north, mailing):
    mailing.owner = UserFactory(roles=["operators", "managers"], department=north)

    assert policy.may(mailing.owner, "launch", mailing)


def test_somebody_who_left_does_nothing(owner, contact, mailing):
    owner.is_active = False

    assert not policy.may(owner, "change", contact)
    assert not policy.may(owner, "launch", mailing)


def test_a_role_is_no_department(owner, north):
    assert list(policy.departments(owner)) == [north.group]


def test_colleagues_are_those_whose_records_one_sees(cast):
    def names(user):
        return {person.username for person in policy.colleagues(user)}

    department = {"owner", "colleague", "chief", "operator", "head"}
    assert names(cast["owner"]) == {"owner"}
    assert names(cast["operator"]) == names(cast["chief"]) == department
    assert names(cast["superoperator"]) == {*department, "superoperator", "superuser"}
