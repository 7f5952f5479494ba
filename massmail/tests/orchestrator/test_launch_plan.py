"""The plan of a launch is what the launch then does."""

from __future__ import annotations

import pytest

from massmail.models import EmailAccount, MassContact, SuppressedAddress
from massmail.orchestrator.launch_plan import launch_plan
from massmail.orchestrator.lifecycle import launch
from massmail.tests.factories import (
    AttachmentFactory,
    EmailAccountFactory,
    EmlMessageFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]


def with_city() -> str:
    return EmlMessageFactory.build().content + "<p>{{ city }}</p>"


@pytest.fixture
def varied(anna):
    """Seven recipients, each but two of them with something that speaks against him."""
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, customers=7, content=with_city())
    people = list(Customer.objects.order_by("pk"))
    Customer.objects.update(city="Utrecht")
    Customer.objects.filter(pk=people[0].pk).update(accepts_mailings=False)
    SuppressedAddress.objects.suppress(people[1].email, reason="manual", source="test")
    Customer.objects.filter(pk=people[2].pk).update(owner=None)
    Customer.objects.filter(pk=people[3].pk).update(city=" ")
    MassContact.objects.filter(object_id=str(people[4].pk)).update(is_vip=True)
    return mailing


def test_the_launch_does_what_the_plan_said(varied):
    plan = launch_plan(varied)

    assert plan.to_mail == 2
    assert plan.to_skip == {
        "opted_out": 1,
        "suppressed": 1,
        "not_assigned": 1,
        "missing_value": 1,
        "no_account": 1,
    }
    launch(varied, by=varied.owner)
    assert states(varied) == {"queued": 2, "skipped": 5}
    assert varied.skip_counts() == dict(plan.to_skip)


def test_planning_changes_nothing(varied, snapshot_of):
    before = snapshot_of(varied)

    launch_plan(varied)

    assert snapshot_of(varied) == before


def test_who_lacks_a_value_is_named_with_it(varied):
    [incomplete] = launch_plan(varied).incomplete

    assert incomplete.delivery.name == "Customer 3"
    assert incomplete.missing == ["city"]


def test_only_so_many_examples_are_named(anna):
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, customers=5, content=with_city())
    Customer.objects.update(city="")

    plan = launch_plan(mailing, examples=2)

    assert plan.to_skip == {"missing_value": 5}
    assert len(plan.incomplete) == 2


def test_without_an_account_nobody_is_mailed(ready):
    EmailAccount.objects.all().delete()

    plan = launch_plan(ready)

    assert (plan.to_mail, plan.to_skip) == (0, {"no_account": 3})


def test_a_mistake_in_the_message_is_told_with_its_place(ready):
    ready.message.content = "<p>{{ nobody }}</p>"
    ready.message.save()

    plan = launch_plan(ready)

    assert plan.error.startswith("HTML: Line 1, column")
    assert plan.to_mail == 3
    assert not plan.may_be_overridden


def test_a_lost_file_is_told(ready, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    attachment = AttachmentFactory(message=ready.message)
    attachment.file.storage.delete(attachment.file.name)

    plan = launch_plan(ready)

    assert plan.error == "A picture or file is missing from the storage."
    assert plan.to_mail == 3


def test_findings_are_told_apart_by_weight(ready):
    ready.message.content = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
    ready.message.save()

    plan = launch_plan(ready)

    assert [finding.code for finding in plan.blocking] == ["no_postal_address"]
    assert plan.warnings == []
    assert plan.may_be_overridden


def test_its_cost_does_not_grow_with_the_mailing(anna, django_assert_max_num_queries):
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, customers=60, content=with_city())
    Customer.objects.update(city="")

    with django_assert_max_num_queries(21):
        launch_plan(mailing)
