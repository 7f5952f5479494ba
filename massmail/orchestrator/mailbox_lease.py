"""The right to read a mailbox, for as long as somebody really does."""

from __future__ import annotations

import datetime as dt

from massmail.conf import conf
from massmail.exceptions import MassmailError
from massmail.models import EmailAccount, Mailbox
from massmail.orchestrator.clock import Clock

# A lease is renewed no more often than this.
RENEWAL_SECONDS = 20.0


class LeaseLost(MassmailError):
    """Another worker took this one for dead and reads the mailbox now."""


def lease_seconds() -> float:
    """Longer than the longest step: a login, with a token that is renewed before."""
    waiting = conf.CONNECT_TIMEOUT + conf.COMMAND_TIMEOUT + 2 * conf.PROVIDER_TIMEOUT
    return waiting + conf.LEASE_MARGIN


class MailboxLease:
    """Held from `take` until it is given back, or not renewed for too long."""

    def __init__(self, mailbox: Mailbox, clock: Clock) -> None:
        self.mailbox = mailbox
        self._clock = clock
        self._renewed_at = clock.elapsed

    @classmethod
    def take(cls, account: EmailAccount, clock: Clock) -> MailboxLease | None:
        """None while another worker reads this mailbox."""
        now = clock()
        until = now + dt.timedelta(seconds=lease_seconds())
        mailbox = Mailbox.objects.take(account, until=until, now=now)
        return cls(mailbox, clock) if mailbox else None

    def keep(self) -> None:
        """Before each step; raises `LeaseLost`."""
        if self._clock.elapsed - self._renewed_at < RENEWAL_SECONDS:
            return
        self._renewed_at = self._clock.elapsed
        until = self._clock() + dt.timedelta(seconds=lease_seconds())
        if not Mailbox.objects.keep(self.mailbox.lease_token, until=until):
            raise LeaseLost
