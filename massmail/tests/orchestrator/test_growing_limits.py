"""Warm-up and the caps of domains in forecast and explanation."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.models import Delivery, EmailAccount, Heartbeat
from massmail.orchestrator.explain import explain
from massmail.orchestrator.forecast import forecast
from massmail.orchestrator.lifecycle import launch
from massmail.sending.claiming import claim_batch
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.mailings import draft, ready_settings, send_all, states
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def mailing(server):
    """Seven customers at one domain, launched through one account."""
    ready_settings()
    mailing = draft(customers=7)
    EmailAccountFactory(owner=mailing.owner, email_port=server.port, per_day=100)
    return launch(mailing, by=mailing.owner)


def account(**fields) -> EmailAccount:
    EmailAccount.objects.update(**fields)
    return EmailAccount.objects.get()


def test_a_warm_up_is_in_the_forecast(mailing):
    """Two on the first day, three on the second, four on the third."""
    account(warm_up_start=2, warm_up_growth=1)
    now = timezone.now()

    finish_at = forecast(mailing, now=now).finish_at

    assert 2 * DAY <= finish_at - now < 2 * DAY + MINUTE


def test_a_warm_up_is_kept_and_explained(mailing, server):
    account(warm_up_start=2, warm_up_growth=1)
    now = timezone.now()
    for name in (Heartbeat.BEAT, Heartbeat.WORKER):
        Heartbeat.objects.beat(name, now)

    send_all(now)
    assert states(mailing) == {"sent": 2, "queued": 5}
    found = explain(mailing, now=now + MINUTE)
    assert "used up its sending limit" in found.reason
    began = EmailAccount.objects.get().warm_up_began_at
    assert found.next_at == began + DAY

    send_all(began + DAY + MINUTE)
    assert states(mailing) == {"sent": 5, "queued": 2}
    send_all(began + 2 * DAY + 2 * MINUTE)
    assert states(mailing) == {"sent": 7}


def test_a_cap_is_in_the_forecast(mailing):
    account(per_domain_hour=3)
    now = timezone.now()

    finish_at = forecast(mailing, now=now).finish_at

    assert 2 * HOUR <= finish_at - now < 2 * HOUR + MINUTE


def test_a_cap_is_in_the_forecast_of_a_draft(server):
    ready_settings()
    mailing = draft(customers=7)
    EmailAccountFactory(owner=mailing.owner, per_domain_hour=3)
    now = timezone.now()

    finish_at = forecast(mailing, now=now).finish_at

    assert 2 * HOUR <= finish_at - now < 2 * HOUR + MINUTE


def test_a_cap_is_kept_and_explained(mailing, server):
    account(per_domain_hour=3)
    now = timezone.now()
    for name in (Heartbeat.BEAT, Heartbeat.WORKER):
        Heartbeat.objects.beat(name, now)

    send_all(now)
    assert states(mailing) == {"sent": 3, "queued": 4}
    found = explain(mailing, now=now + MINUTE)
    assert "to the domain of the next recipients" in found.reason
    assert HOUR - MINUTE < found.next_at - now < HOUR + MINUTE

    send_all(now + HOUR + MINUTE)
    assert states(mailing) == {"sent": 6, "queued": 1}
    send_all(now + 2 * HOUR + 2 * MINUTE)
    assert states(mailing) == {"sent": 7}


def test_who_was_put_off_waits_in_a_state_with_a_reason(mailing):
    one = account(per_domain_hour=3)
    now = timezone.now()
    claim_batch(one.pk, "6f9619ff-8b86-d011-b42d-00c04fc964ff", now=now)

    rows = Delivery.objects.filter(status="queued").values_list("reason", flat=True)
    assert list(rows) == ["domain_limit"] * 4
