"""A test is one recipient's copy, sent to somebody who checks it, and nothing else."""

from __future__ import annotations

import datetime as dt
import email
from email import policy

import pytest
from django.contrib.admin.models import LogEntry

from massmail.exceptions import NotAllowed, TrialRefused
from massmail.models import (
    Delivery,
    MassContact,
    MessageVersion,
    SampleValues,
    SendAttempt,
    SuppressedAddress,
    VersionPart,
)
from massmail.models.sample_values import from_json, to_json
from massmail.orchestrator.compiling import freeze
from massmail.orchestrator.trial import Reader, send_test
from massmail.orchestrator.walk import walk_account_queues
from massmail.recipients.source import Recipient
from massmail.reports.ledger import check_ledger
from massmail.sending.quotas import room
from massmail.tests.factories import (
    NOW,
    AttachmentFactory,
    CustomerFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MainAccountFactory,
    UserFactory,
)
from massmail.tests.mailings import (
    account_at,
    launched,
    ready_settings,
    send_all,
    states,
)
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db

ZOE = Recipient(
    "7",
    "zoe@example.org",
    "Zoë",
    variables={"first_name": "Zoë", "city": "", "born": dt.date(1990, 2, 1)},
)
ME = [Reader("anna@staff.example.com", "Anna")]
FOOTER = '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Out</a></p>'


@pytest.fixture
def anna(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    ready_settings()
    return UserFactory(username="anna")


@pytest.fixture
def message(anna):
    return EmlMessageFactory(
        owner=anna,
        subject="Hello {{ first_name }}",
        content='<p>Born {{ born|date:"Y" }}</p>' + FOOTER,
    )


@pytest.fixture
def account(anna):
    return EmailAccountFactory(owner=anna)


def tried(message, account, **changes):
    options = {"by": message.owner, "readers": ME, "recipient": ZOE, "now": NOW}
    return send_test(message, account=account, **(options | changes))


def read(accepted) -> email.message.EmailMessage:
    return email.message_from_bytes(accepted.content, policy=policy.default)


def test_it_arrives_with_the_recipients_values_at_the_readers_address(anna, message):
    with FaultServer() as server:
        account = account_at(server, anna)
        tried(message, account, now=None)
        send_all()
        [accepted] = server.accepted

    sent = read(accepted)
    assert accepted.rcpt == "anna@staff.example.com"
    assert sent["To"] == "Anna <anna@staff.example.com>"
    assert sent["Subject"] == "[TEST] Hello Zoë"
    html = sent.get_body(("html",)).get_content()
    assert "Born 1990" in html
    assert "zoe@example.org" not in accepted.content.decode()


def test_its_row_is_in_no_mailing_but_in_the_accounts_quota(anna, message):
    with FaultServer() as server:
        account = account_at(server, anna, per_day=1)
        [row] = tried(message, account, now=None)
        send_all()

    row.refresh_from_db()
    assert (row.kind, row.mailing, row.status) == ("test", None, "sent")
    assert SendAttempt.objects.get().email_account == account
    settings = ready_settings()
    assert room(account, settings, now=row.sent_at, wanted=1).count == 0
    assert list(check_ledger(row.sent_at)) == []


def test_a_running_mailing_does_not_notice_it(anna):
    with FaultServer() as server:
        mailing = launched(server, customers=2)
        account = mailing.owner.massmail_emailaccount_set.get()
        tried(mailing.message, account, by=mailing.owner, now=None)
        send_all()

    assert states(mailing) == {"sent": 2}
    mailing.refresh_from_db()
    assert mailing.status == "D"
    assert Delivery.objects.filter(kind="test", status="sent").count() == 1


def test_its_link_opts_out_neither_the_recipient_nor_the_tester(anna, message, client):
    record = CustomerFactory(owner=anna, name="Zoë", email=ME[0].address)
    with FaultServer() as server:
        account = account_at(server, anna)
        tried(message, account, now=None)
        send_all()
        [accepted] = server.accepted
    link = read(accepted)["List-Unsubscribe"].strip("<>")
    path = link.removeprefix("https://news.example.com")

    client.post(path, {"List-Unsubscribe": "One-Click"})
    client.post(path, {"confirm": "unsubscribe"})

    assert not SuppressedAddress.objects.exists()
    assert not MassContact.objects.exists()
    record.refresh_from_db()
    assert record.accepts_mailings


def test_it_names_no_record(message, account):
    [row] = tried(message, account)

    assert (row.content_type, row.object_id, row.mass_contact) == (None, "", None)


def test_each_tester_gets_one_however_often_he_is_named(message, account):
    rows = tried(
        message,
        account,
        readers=[*ME, Reader("ANNA@staff.example.com"), Reader("bo@example.com")],
    )

    assert [row.address for row in rows] == ["anna@staff.example.com", "bo@example.com"]


def test_the_main_account_serves_where_it_is_the_only_one(anna, message):
    [row] = tried(message, MainAccountFactory(owner=anna))

    assert row.email_account_id in walk_account_queues(NOW)


def test_it_leaves_outside_of_business_hours(anna, message, account):
    ready_settings(use_business_time=True)
    sunday = dt.datetime(2027, 3, 14, 3, 0, tzinfo=dt.UTC)

    tried(message, account, now=sunday)

    assert walk_account_queues(sunday) == [account.pk]


def test_a_foreign_account_is_refused(message):
    with pytest.raises(NotAllowed):
        tried(message, EmailAccountFactory())

    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("readers", "reason"),
    [
        ([], "Say to whom"),
        ([Reader("anna")], "“anna” is no address"),
        ([*ME, Reader("@"), Reader("x y@z")], "“x y@z” is no address"),
        ([Reader("a@example.com\nBcc: b@example.com")], "is no address"),
    ],
)
def test_what_is_no_address_is_refused(message, account, readers, reason):
    with pytest.raises(TrialRefused, match=reason):
        tried(message, account, readers=readers)

    assert not Delivery.objects.exists()
    assert not MessageVersion.objects.exists()


def test_who_must_not_be_mailed_gets_no_test_either(message, account):
    SuppressedAddress.objects.suppress("bo@example.com", reason="manual", source="x")

    with pytest.raises(TrialRefused, match="is on the don't-mail list"):
        tried(message, account, readers=[Reader("Bo@example.com")])

    assert not Delivery.objects.exists()


def test_a_missing_value_is_named_before_anything_is_queued(anna, account):
    message = EmlMessageFactory(owner=anna, content="<p>{{ city }}</p>" + FOOTER)

    with pytest.raises(TrialRefused, match="Zoë has no value for: city"):
        tried(message, account)

    assert not Delivery.objects.exists()


def test_a_broken_message_is_refused_with_the_place(anna, account):
    message = EmlMessageFactory(owner=anna, content="<p>\n{% load x %}</p>")

    with pytest.raises(TrialRefused, match="Line 2, column 1"):
        tried(message, account)


def test_only_so_many_in_an_hour(settings, anna, message, account):
    settings.MASSMAIL = {**settings.MASSMAIL, "TEST_MAILS_PER_HOUR": 2}
    other = EmailAccountFactory(owner=anna)
    tried(message, account)
    tried(message, other)

    with pytest.raises(TrialRefused, match="2 tests in an hour, and 2 are used"):
        tried(message, account, now=NOW + dt.timedelta(minutes=59))
    assert tried(message, account, now=NOW + dt.timedelta(minutes=61))


def test_a_borrowed_account_has_no_tests_without_end(settings, message, account):
    settings.MASSMAIL = {**settings.MASSMAIL, "TEST_MAILS_PER_HOUR": 2}
    boss = UserFactory(is_superuser=True)
    tried(message, account, by=boss)
    tried(message, account, by=boss)

    with pytest.raises(TrialRefused, match="2 are used"):
        tried(message, account, by=boss)


def test_what_is_edited_afterwards_does_not_change_it(anna, message):
    with FaultServer() as server:
        account = account_at(server, anna)
        tried(message, account, now=None)
        message.subject = "Edited"
        message.save()
        send_all()
        [accepted] = server.accepted

    assert read(accepted)["Subject"] == "[TEST] Hello Zoë"


def test_ten_tests_of_one_text_keep_its_files_once(message, account):
    AttachmentFactory(message=message)

    for _number in range(10):
        tried(message, account)
    message.preheader = "Changed"
    message.save()
    tried(message, account)

    assert MessageVersion.objects.count() == 2
    assert VersionPart.objects.count() == 2


def test_a_version_of_a_launch_is_taken_again(message, account):
    version = freeze(message)

    [row] = tried(message, account)

    assert row.version == version


def test_the_longest_subject_takes_the_mark(anna, account):
    message = EmlMessageFactory(owner=anna, subject="x" * 250)
    with FaultServer() as server:
        account.email_port = server.port
        account.save()
        tried(message, account, now=None)
        send_all()
        [accepted] = server.accepted

    assert read(accepted)["Subject"] == "[TEST] " + "x" * 250


def test_the_values_are_gone_when_it_has_been_sent(anna, message):
    with FaultServer() as server:
        account = account_at(server, anna)
        tried(message, account, now=None)
        walk_account_queues()
        assert SampleValues.objects.count() == 1
        send_all()
        walk_account_queues()

    assert not SampleValues.objects.exists()


def test_values_come_back_as_they_were():
    values = {
        "text": "x",
        "none": None,
        "date": dt.date(2027, 1, 2),
        "moment": dt.datetime(2027, 1, 2, 3, tzinfo=dt.UTC),
    }

    assert from_json(to_json(values)) == values


def test_it_is_in_the_messages_history(anna, message, account):
    tried(message, account)

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (anna, str(message.pk))
    assert entry.change_message == "test to anna@staff.example.com"


def test_a_message_that_was_only_tested_can_be_deleted(message, account):
    [row] = tried(message, account)

    message.delete()

    row.refresh_from_db()
    assert (row.version.subject, row.version.message) == (
        "Hello {{ first_name }}",
        None,
    )
