"""The default policy: owners see and do what is theirs, superusers everything."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from massmail.models import EmailAccount, EmlMessage, MailingOut
from massmail.recipients.access import AccessPolicy, access_policy
from massmail.tests.factories import (
    EmailAccountFactory,
    EmlMessageFactory,
    GroupFactory,
    MailingOutFactory,
    SuperuserFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
policy = AccessPolicy()
ACTIONS = ["change", "delete", "launch", "pause", "resume", "cancel", "resolve"]


@pytest.fixture
def anna():
    return UserFactory()


@pytest.mark.parametrize("model", [EmlMessage, MailingOut, EmailAccount])
def test_owners_see_their_own_and_superusers_all(anna, model):
    factories = {
        EmlMessage: EmlMessageFactory,
        MailingOut: MailingOutFactory,
        EmailAccount: EmailAccountFactory,
    }
    mine, other = factories[model](owner=anna), factories[model]()
    rows = model.objects.filter(pk__in=[mine.pk, other.pk])

    assert list(policy.visible(anna, rows)) == [mine]
    assert set(policy.visible(SuperuserFactory(), rows)) == {mine, other}
    assert not policy.visible(UserFactory(), rows).exists()


def test_co_owners_see_and_use_an_account_but_do_not_change_it(anna):
    account = EmailAccountFactory(co_owner=anna)

    assert policy.visible(anna, EmailAccount.objects.all()).get() == account
    assert policy.may(anna, "use", account)
    assert not policy.may(anna, "change", account)
    assert not policy.may(UserFactory(), "use", account)
    assert policy.may(account.owner, "use", account)


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_do_what_with_a_mailing(anna, action):
    mailing = MailingOutFactory(owner=anna)

    assert policy.may(anna, action, mailing)
    assert policy.may(SuperuserFactory(), action, mailing)
    assert not policy.may(UserFactory(), action, mailing)
    assert not policy.may(AnonymousUser(), action, mailing)


@pytest.mark.parametrize("action", [*ACTIONS, "use", "override_preflight"])
def test_who_left_may_nothing(anna, action):
    anna.is_active = False
    retired = SuperuserFactory(is_active=False)

    for thing in (MailingOutFactory(owner=anna), EmailAccountFactory(owner=anna)):
        assert not policy.may(anna, action, thing)
        assert not policy.may(retired, action, thing)


def test_preflight_is_overridden_by_superusers_only(anna):
    mailing = MailingOutFactory(owner=anna)

    assert not policy.may(anna, "override_preflight", mailing)
    assert policy.may(SuperuserFactory(), "override_preflight", mailing)


def test_an_action_without_an_object_is_for_superusers(anna):
    assert not policy.may(anna, "suppress")
    assert policy.may(SuperuserFactory(), "suppress")


def test_massmail_itself_names_no_department(anna):
    anna.groups.add(GroupFactory())

    assert not policy.departments(anna).exists()


def test_the_deployment_chooses_the_policy(settings):
    path = f"{AccessPolicy.__module__}.{AccessPolicy.__name__}"
    settings.MASSMAIL = {**settings.MASSMAIL, "ACCESS_POLICY": path}
    assert type(access_policy()) is AccessPolicy

    settings.MASSMAIL = {**settings.MASSMAIL, "ACCESS_POLICY": "no.such.Policy"}
    with pytest.raises(ImportError):
        access_policy()
