"""A worker that has no mail to send is no dead worker."""

from __future__ import annotations

import pytest
from django.utils import timezone

from massmail.models import Heartbeat
from massmail.orchestrator.preparing import prepare_mailings

pytestmark = pytest.mark.django_db


def test_an_idle_worker_gives_a_sign_of_life():
    assert not Heartbeat.objects.is_alive(Heartbeat.WORKER, timezone.now())
    prepare_mailings(seconds=0.1)
    assert Heartbeat.objects.is_alive(Heartbeat.WORKER, timezone.now())
    assert not Heartbeat.objects.is_alive(Heartbeat.BEAT, timezone.now())
