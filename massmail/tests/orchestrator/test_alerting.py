"""An alert reaches its recipient's mailbox through another account."""

from __future__ import annotations

import email
from email import policy

import pytest

from massmail.models import Alert, Delivery, EmailAccount
from massmail.models.alert import account_cause
from massmail.models.breakers import StopReason, stop_mailing
from massmail.orchestrator.alerting import mail_alerts
from massmail.sending.account_health import stop
from massmail.tests.factories import (
    NOW,
    AlertFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MainAccountFactory,
    UserFactory,
)
from massmail.tests.mailings import account_at, launched, send_all, states
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db


def test_a_stopped_account_is_told_to_its_owner_through_another_one():
    with FaultServer(credentials={"anna": "right"}) as refusing, FaultServer() as other:
        mailing = launched(
            refusing,
            auth="password",
            email_host_user="anna",
            email_host_password="wrong",
        )
        account_at(other, mailing.owner)
        send_all()
        send_all()
    [message] = other.accepted
    parsed = email.message_from_bytes(message.content, policy=policy.default)
    assert message.rcpt == mailing.owner.email
    assert "refused the login" in parsed.get_content()
    assert parsed["List-Unsubscribe"] is None
    assert states(mailing) == {"queued": 3}
    assert Alert.objects.get().mailed_at is not None
    assert Delivery.objects.get(kind="alert").status == "sent"


def test_the_account_in_question_does_not_carry_its_own_alert():
    with FaultServer(credentials={"anna": "right"}) as server:
        mailing = launched(
            server, auth="password", email_host_user="anna", email_host_password="bad"
        )
        send_all()
        assert Alert.objects.get().mailed_at is None
        account = EmailAccount.objects.get()
        account.email_host_password = "right"
        account.state, account.state_reason, account.paused_until = "active", "", None
        account.save()
        send_all()
        assert states(mailing) == {"sent": 3}
    assert not Delivery.objects.filter(kind="alert").exists()
    assert Alert.objects.get().closed_at is not None


@pytest.fixture
def anna():
    return UserFactory(username="anna")


def carriers() -> list[EmailAccount]:
    return [row.email_account for row in Delivery.objects.filter(kind="alert")]


def test_an_alert_is_mailed_once_however_often_it_is_looked_at(anna):
    EmailAccountFactory(owner=anna)
    alert = AlertFactory(recipient=anna)

    assert [mail_alerts(NOW), mail_alerts(NOW)] == [1, 0]

    assert len(carriers()) == 1
    alert.refresh_from_db()
    assert alert.mailed_at == NOW


def test_the_main_account_comes_first(anna):
    EmailAccountFactory(owner=anna)
    main = MainAccountFactory(owner=anna)
    AlertFactory(recipient=anna)

    mail_alerts(NOW)

    assert carriers() == [main]


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_an_account_that_does_not_send_carries_nothing(anna, state):
    EmailAccountFactory(owner=anna, state=state)
    EmailAccountFactory()
    alert = AlertFactory(recipient=anna)

    assert mail_alerts(NOW) == 0

    alert.refresh_from_db()
    assert alert.mailed_at is None


def test_an_alert_waits_for_an_account_that_works(anna):
    account = EmailAccountFactory(owner=anna, state="stopped")
    AlertFactory(recipient=anna)
    mail_alerts(NOW)

    EmailAccount.objects.filter(pk=account.pk).update(state="active")

    assert mail_alerts(NOW) == 1


def test_a_closed_alert_is_not_mailed(anna):
    EmailAccountFactory(owner=anna)
    AlertFactory(recipient=anna, closed_at=NOW)

    assert mail_alerts(NOW) == 0


@pytest.mark.parametrize("address", ["", "not an address"])
def test_without_an_address_the_alert_stays_in_the_admin(anna, address):
    type(anna).objects.filter(pk=anna.pk).update(email=address)
    EmailAccountFactory(owner=anna)
    AlertFactory(recipient=anna)

    assert mail_alerts(NOW) == 0
    assert not carriers()


def test_words_of_a_server_are_not_taken_for_tags(anna):
    EmailAccountFactory(owner=anna)
    AlertFactory(recipient=anna, text="550 {{ unsubscribe_url }} {% load x %}")

    mail_alerts(NOW)

    [row] = Delivery.objects.filter(kind="alert")
    assert "{" not in row.version.text


def test_one_account_that_stops_twice_is_one_open_alert(anna):
    account = EmailAccountFactory(owner=anna)

    for detail in ("first", "second"):
        stop(account, "login_refused", detail=detail, now=NOW)

    [alert] = Alert.objects.all()
    assert (alert.recipient, alert.cause) == (anna, account_cause(account.pk))
    assert "The server refused the login." in alert.text


def test_an_alert_about_a_mailing_says_why_in_words(anna):
    mailing = MailingOutFactory(owner=anna, launched=True, name="spring")

    stop_mailing(mailing.pk, StopReason.HARD_BOUNCES, now=NOW)

    assert Alert.objects.get().text == (
        "spring: Too many addresses of the list do not exist."
    )


def test_an_alert_that_is_passed_on_is_mailed_to_its_new_recipient(anna):
    bob = UserFactory()
    EmailAccountFactory(owner=anna)
    EmailAccountFactory(owner=bob)
    alert = AlertFactory(recipient=anna)
    mail_alerts(NOW)

    Alert.objects.pass_on(cause=alert.cause, recipient=bob)

    assert mail_alerts(NOW) == 1
    assert Delivery.objects.latest("pk").address == bob.email
