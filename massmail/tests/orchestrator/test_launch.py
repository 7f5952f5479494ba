"""A launch: who may, what is refused, what it does, and that only one wins."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.utils import timezone

from massmail.exceptions import LaunchRefused, MassmailError, NotAllowed, WrongState
from massmail.models import (
    EmailAccount,
    EmlMessage,
    MailingOut,
    MassContact,
    MassmailSettings,
    MessageVersion,
    SuppressedAddress,
)
from massmail.orchestrator.lifecycle import launch
from massmail.recipients.access import AccessPolicy
from massmail.signals import mailing_launched
from massmail.tests.factories import (
    NOW,
    AttachmentFactory,
    EmailAccountFactory,
    MainAccountFactory,
    SuperuserFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]

NO_LINK = "<p>Hello {{ first_name|default:'you' }}</p><p>{{ postal_address }}</p>"


class GenerousPolicy(AccessPolicy):
    """Everybody may override preflight."""

    def may(self, user, action, obj=None):
        return action == "override_preflight" or super().may(user, action, obj)


@pytest.fixture
def generous(settings, default_policy):
    settings.MASSMAIL = {
        **settings.MASSMAIL,
        "ACCESS_POLICY": f"{__name__}.{GenerousPolicy.__name__}",
    }


def refusal(mailing, **kwargs):
    with pytest.raises(LaunchRefused) as caught:
        launch(mailing, by=mailing.owner, **kwargs)
    return caught.value.findings


def test_a_launch_makes_an_active_mailing_with_accounts_and_a_version(ready):
    launched = launch(ready, by=ready.owner, now=NOW)

    assert launched is ready
    assert ready.status == MailingOut.Status.ACTIVE
    assert NOW <= ready.launched_at < NOW + dt.timedelta(minutes=1)
    assert ready.version.subject == ready.message.subject
    assert ready.counts()["queued"] == 3
    account = EmailAccount.objects.get()
    assert set(ready.deliveries.values_list("email_account", flat=True)) == {account.pk}


def test_a_launch_is_logged_and_told_to_the_host(
    ready, django_capture_on_commit_callbacks
):
    told = []

    def listen(sender, mailing, by, **kwargs):
        told.append((mailing.pk, by))

    mailing_launched.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            launch(ready, by=ready.owner)
    finally:
        mailing_launched.disconnect(listen)

    assert told == [(ready.pk, ready.owner)]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (ready.owner, "launched")
    assert entry.get_edited_object() == ready


def test_a_superuser_may_launch_for_the_owner(ready):
    launch(ready, by=SuperuserFactory())

    assert ready.status == MailingOut.Status.ACTIVE


@pytest.mark.parametrize("who", ["stranger", "inactive owner", "inactive superuser"])
def test_who_may_not_launch_changes_nothing(ready, snapshot_of, who):
    people = {
        "stranger": UserFactory,
        "inactive superuser": lambda: SuperuserFactory(is_active=False),
        "inactive owner": lambda: ready.owner,
    }
    by = people[who]()
    by.is_active = "inactive" not in who
    before = snapshot_of(ready)

    with pytest.raises(NotAllowed):
        launch(ready, by=by)

    assert snapshot_of(ready) == before
    assert not LogEntry.objects.exists()


def test_an_owner_from_before_may_not_launch(ready, snapshot_of):
    former = ready.owner
    MailingOut.objects.update(owner=UserFactory())
    stale = MailingOut.objects.get(pk=ready.pk)
    stale.owner = former
    before = snapshot_of(ready)

    with pytest.raises(NotAllowed):
        launch(stale, by=former)

    assert snapshot_of(ready) == before


@pytest.mark.parametrize("status", ["A", "E", "I", "D"])
def test_only_a_draft_can_be_launched(ready, snapshot_of, status):
    MailingOut.objects.update(status=status)
    before = snapshot_of(ready)

    with pytest.raises(WrongState):
        launch(ready, by=ready.owner)

    assert snapshot_of(ready) == before


def test_a_second_launch_is_refused_even_with_an_old_object(ready, snapshot_of):
    old = MailingOut.objects.get(pk=ready.pk)
    launch(ready, by=ready.owner)
    before = snapshot_of(ready)

    with pytest.raises(WrongState):
        launch(old, by=ready.owner)

    assert snapshot_of(ready) == before
    assert MessageVersion.objects.count() == 1


def test_a_paused_mailing_is_no_draft(ready):
    MailingOut.objects.update(launched_at=NOW)

    with pytest.raises(WrongState):
        launch(ready, by=ready.owner)


def test_a_mailing_that_is_still_being_prepared_waits(ready, snapshot_of):
    MailingOut.objects.update(prepared_at=None)
    before = snapshot_of(ready)

    with pytest.raises(WrongState):
        launch(ready, by=ready.owner)

    assert snapshot_of(ready) == before


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (NO_LINK, "unsubscribe_url"),
        ("<p><a href='{{ unsubscribe_url }}'>x</a></p>", "postal_address"),
        ("<p>{% include 'x' %}</p>", "Line 1"),
        ("<p>{{ passport_number }}</p>", "passport_number"),
    ],
)
def test_preflight_refuses_and_leaves_the_draft_untouched(
    ready, snapshot_of, content, finding
):
    EmlMessage.objects.update(content=content)
    Customer.objects.filter(name="Customer 0").update(disqualified=True)
    before = snapshot_of(ready)

    assert finding in " ".join(refusal(ready))

    assert snapshot_of(ready) == before
    assert not MessageVersion.objects.exists()


def lose_a_file(mailing, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    attachment = AttachmentFactory(message=mailing.message)
    attachment.file.storage.delete(attachment.file.name)


def test_a_message_whose_file_is_lost_is_refused(
    ready, snapshot_of, settings, tmp_path
):
    lose_a_file(ready, settings, tmp_path)
    before = snapshot_of(ready)

    assert refusal(ready) == ["A picture or file is missing from the storage."]
    assert snapshot_of(ready) == before


def test_a_sender_that_cannot_be_written_is_refused(ready, snapshot_of):
    EmailAccount.objects.update(from_email="anna")
    before = snapshot_of(ready)

    assert refusal(ready) == ["'anna' is no address that mail can be sent to."]
    assert snapshot_of(ready) == before


def test_all_findings_are_named_at_once(ready):
    EmlMessage.objects.update(content="<p>Hello</p>", subject="")

    assert len(refusal(ready)) >= 3


def test_without_a_postal_address_in_the_settings_it_is_refused(ready, snapshot_of):
    MassmailSettings.objects.update(postal_address="  ")
    before = snapshot_of(ready)

    assert refusal(ready) == ["The settings hold no postal address."]
    assert snapshot_of(ready) == before


@pytest.mark.parametrize(("require", "refused"), [(True, True), (False, False)])
def test_https_is_wanted_where_the_deployment_wants_it(
    ready, settings, require, refused
):
    settings.MASSMAIL = {
        **settings.MASSMAIL,
        "PUBLIC_BASE_URL": "http://news.example.com",
        "REQUIRE_HTTPS": require,
    }

    if refused:
        assert refusal(ready) == ["The public address does not begin with https."]
    else:
        assert launch(ready, by=ready.owner).status == "A"


@pytest.mark.parametrize("others", [None, {"for_massmail": False}])
def test_without_an_account_it_is_refused(ready, snapshot_of, others):
    EmailAccount.objects.all().delete()
    EmailAccountFactory()
    if others:
        EmailAccountFactory(owner=ready.owner, **others)
    before = snapshot_of(ready)

    assert refusal(ready) == ["The owner has no account for mass mail."]
    assert snapshot_of(ready) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda: Customer.objects.update(disqualified=True),
        lambda: Customer.objects.all().delete(),
        lambda: Customer.objects.update(owner=None),
        lambda: MassContact.objects.update(is_vip=True),
        lambda: MassContact.objects.update(subscribed=False),
        lambda: (
            Customer.objects.update(name=""),
            EmlMessage.objects.update(subject="{{ first_name }}"),
        ),
    ],
    ids=["disqualified", "deleted", "reassigned", "vip", "opted out", "no value"],
)
def test_when_nobody_is_left_it_is_refused_and_can_be_mended(
    ready, snapshot_of, change
):
    change()
    before = snapshot_of(ready)

    assert refusal(ready) == ["No recipient is left who may be mailed."]

    assert snapshot_of(ready) == before
    assert not MessageVersion.objects.exists()


def test_only_vips_need_only_a_main_account(ready):
    EmailAccount.objects.all().delete()
    MainAccountFactory(owner=ready.owner)
    first = MassContact.objects.first()
    MassContact.objects.filter(pk=first.pk).update(is_vip=True)

    launch(ready, by=ready.owner)

    assert ready.counts()["queued"] == 1
    assert ready.skip_counts() == {"no_account": 2}


def test_a_mailing_whose_time_is_over_is_refused(ready, snapshot_of):
    MailingOut.objects.update(expires_at=NOW)
    before = snapshot_of(ready)

    assert refusal(ready, now=NOW) == ["The mailing's time is over."]
    assert snapshot_of(ready) == before


def test_consent_and_assignment_are_checked_again(ready):
    addresses = [f"customer{number}@example.com" for number in range(3)]
    Customer.objects.filter(email=addresses[0]).update(accepts_mailings=False)
    SuppressedAddress.objects.suppress(addresses[1], reason="complaint", source="test")

    launch(ready, by=ready.owner)

    reasons = [row_of(ready, address).reason for address in addresses]
    assert reasons == ["opted_out", "suppressed", ""]
    assert ready.counts()["queued"] == 1


def test_who_lacks_a_value_is_skipped(anna):
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, subject="{{ city }} has news")
    Customer.objects.filter(name="Customer 0").update(city="Utrecht")
    Customer.objects.filter(name="Customer 1").update(city="   ")

    launch(mailing, by=anna)

    assert mailing.skip_counts() == {"missing_value": 2}
    assert row_of(mailing, "customer0@example.com").status == "queued"


def test_a_value_with_a_fallback_is_never_missing(anna):
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, subject="{{ city|default:'Your town' }} has news")

    launch(mailing, by=anna)

    assert mailing.counts()["queued"] == 3


@pytest.mark.usefixtures("generous")
def test_who_may_override_gives_a_reason_that_is_kept(ready):
    MassmailSettings.objects.update(postal_address="")

    launch(ready, by=ready.owner, override_reason="Internal mailing")

    assert ready.status == MailingOut.Status.ACTIVE
    assert ready.override_reason == "Internal mailing"


@pytest.mark.usefixtures("generous")
@pytest.mark.parametrize("reason", ["", "   "])
def test_an_override_without_a_reason_is_none(ready, snapshot_of, reason):
    MassmailSettings.objects.update(postal_address="")
    before = snapshot_of(ready)

    assert refusal(ready, override_reason=reason)
    assert snapshot_of(ready) == before


def test_who_may_not_override_is_refused_in_spite_of_a_reason(ready, snapshot_of):
    MassmailSettings.objects.update(postal_address="")
    before = snapshot_of(ready)

    assert refusal(ready, override_reason="I want to")
    assert snapshot_of(ready) == before


@pytest.mark.parametrize("content", [NO_LINK, "<p>{{ postal_address }}</p>"])
@pytest.mark.usefixtures("generous")
def test_the_unsubscribe_link_is_never_overridden(ready, snapshot_of, content):
    EmlMessage.objects.update(content=content)
    before = snapshot_of(ready)

    assert "unsubscribe_url" in " ".join(refusal(ready, override_reason="Trust me"))
    assert snapshot_of(ready) == before


@pytest.mark.usefixtures("generous")
def test_a_plain_text_without_unsubscribe_url_is_never_overridden(ready):
    EmlMessage.objects.update(text="Hello {{ postal_address }}")

    assert "unsubscribe_url" in " ".join(refusal(ready, override_reason="Trust me"))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_launches_at_once_exactly_one_wins():
    ready_settings()
    anna = UserFactory()
    accounts = [EmailAccountFactory(owner=anna) for _ in range(2)]
    mailing = draft(anna, customers=10)
    start = threading.Barrier(20)
    outcomes = []

    def attempt():
        try:
            mine = MailingOut.objects.get(pk=mailing.pk)
            start.wait()
            outcomes.append(launch(mine, by=anna).status)
        except MassmailError as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, outcomes)) == sorted(["A"] + [str(WrongState)] * 19)
    mailing.refresh_from_db()
    assert mailing.counts()["queued"] == 10
    shares = mailing.deliveries.values_list("email_account", flat=True)
    assert sorted(shares) == [accounts[0].pk] * 5 + [accounts[1].pk] * 5
    assert MessageVersion.objects.count() == LogEntry.objects.count() == 1


def test_without_a_given_time_it_is_now(ready):
    before = timezone.now()
    launch(ready, by=ready.owner)

    assert before <= ready.launched_at <= timezone.now()
