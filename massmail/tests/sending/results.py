"""What servers answer, and the attempt that it belongs to."""

from __future__ import annotations

import datetime as dt

from massmail.backends.phases import Reply
from massmail.models import Delivery, SendAttempt
from massmail.sending.verdicts import Outcome, Scope, Verdict
from massmail.tests.factories import NOW

LATER = NOW + dt.timedelta(minutes=1)
OK = Reply(250, "2.0.0", "queued as 42")
SENT = Outcome(Scope.RECIPIENT, Verdict.SENT)
UNCERTAIN = Outcome(Scope.RECIPIENT, Verdict.UNCERTAIN, "no_answer_after_dot")


def attempt_of(row: Delivery) -> SendAttempt:
    return SendAttempt.objects.get(delivery=row)
