"""Hosts register their models; massmail finds them by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import isolate_apps

from massmail.recipients import RecipientSource, register
from massmail.recipients.registry import (
    autodiscover,
    source_for,
    source_of,
    sources,
    unregister,
)
from massmail.tests.hostapp.massmail_recipients import CustomerRecipients
from massmail.tests.hostapp.models import Customer, Member, Subscriber


@pytest.fixture
def users():
    """A model that a test offers for a while."""
    model = get_user_model()
    yield model
    unregister(model)


class UserRecipients(RecipientSource):
    address = "email"


def test_the_hosts_module_was_found():
    labels = [source.label for source in sources()]

    assert {"hostapp.customer", "hostapp.member", "hostapp.subscriber"} <= set(labels)
    assert labels == sorted(labels)
    assert isinstance(source_of(Customer), CustomerRecipients)
    assert source_of(Customer).model is Customer


def test_a_registered_class_stays_itself(users):
    assert register(users)(UserRecipients) is UserRecipients
    assert isinstance(source_of(users), UserRecipients)


def test_a_second_source_of_a_model_is_refused(users):
    register(users)(UserRecipients)

    with pytest.raises(ImproperlyConfigured, match=r"auth\.user"):
        register(users)(UserRecipients)


@pytest.mark.django_db
@isolate_apps("massmail.tests.hostapp")
def test_a_proxy_shares_the_source_of_its_model(users):
    class Colleague(users):
        class Meta:
            proxy = True
            app_label = "hostapp"

    register(Colleague)(UserRecipients)

    source = source_of(users)
    assert source is source_of(Colleague)
    assert source_for(source.content_type) is source
    assert source.label == "auth.user"
    with pytest.raises(ImproperlyConfigured, match="UserRecipients"):
        register(users)(UserRecipients)


def test_a_source_can_be_replaced(users):
    register(users)(UserRecipients)
    unregister(users)
    unregister(users)

    with pytest.raises(LookupError, match=r"auth\.user offers no recipients"):
        source_of(users)
    register(users)(UserRecipients)


def test_finding_the_modules_again_registers_nothing_twice():
    before = sources()

    autodiscover()

    assert sources() == before


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Customer, Member, Subscriber])
def test_a_mailings_type_leads_to_its_source(model):
    content_type = ContentType.objects.get_for_model(model)

    assert source_for(content_type) is source_of(model)
    assert source_of(model).content_type == content_type


def test_a_type_whose_app_is_gone_is_named():
    gone = ContentType(app_label="sold", model="house")

    with pytest.raises(LookupError, match="not installed any more"):
        source_for(gone)


@pytest.mark.django_db
def test_a_type_without_a_source_is_named():
    with pytest.raises(LookupError, match="offers no recipients"):
        source_for(ContentType.objects.get_for_model(ContentType))
