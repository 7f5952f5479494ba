"""How the reading of an account's own mailbox fares."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from massmail.models.email_account import EmailAccount


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    """Who may read a mailbox now, and what came of it."""

    def free(self, now: dt.datetime) -> MailboxQuerySet:
        """Read by nobody; the lease of a killed worker ends by itself."""
        return self.filter(Q(lease_token=None) | Q(lease_until__lte=now))

    def running(self, now: dt.datetime) -> MailboxQuerySet:
        return self.filter(lease_until__gt=now)

    def due(self, now: dt.datetime) -> MailboxQuerySet:
        """Whose time has come, or whose account somebody has edited since."""
        is_edited = ~Q(tried_with=F("email_account__updated_at"))
        return self.free(now).filter(is_edited | Q(next_poll_at__lte=now))

    def take(
        self, account: EmailAccount, *, until: dt.datetime, now: dt.datetime
    ) -> Mailbox | None:
        """The right to read it; None: somebody else has it."""
        self.get_or_create(email_account=account)
        token = uuid.uuid4()
        rows = self.filter(email_account=account)
        if not rows.free(now).update(lease_token=token, lease_until=until):
            return None
        return self.filter(lease_token=token).first()

    def held(self, token: uuid.UUID | None) -> MailboxQuerySet:
        return self.filter(lease_token=token, lease_token__isnull=False)

    def keep(self, token: uuid.UUID | None, *, until: dt.datetime) -> int:
        """0 when the lease had ended and somebody else has taken it."""
        return self.held(token).update(lease_until=until)

    def give_back(self, token: uuid.UUID | None, **facts: Any) -> int:
        return self.held(token).update(lease_token=None, lease_until=None, **facts)


class Mailbox(models.Model):
    """One row for each account that reads its mailbox; workers alone write it.

    Whoever holds the lease reads, nobody else. `tried_with` is the account's
    `updated_at` at the last try: another one means that the cause of a failure may
    be mended.
    """

    email_account = models.OneToOneField(
        EmailAccount, on_delete=models.CASCADE, related_name="mailbox"
    )
    # Whose folders these are, and where: in another their numbers mean nothing.
    place = models.CharField(max_length=600, blank=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    tried_with = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(_("last tried"), null=True)
    read_at = models.DateTimeField(_("last read"), null=True)
    # None while a person must mend something first.
    next_poll_at = models.DateTimeField(_("next"), null=True)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    # A code word, and the server's own words.
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    # {kind of returned mail: how many} of the last time that there was any.
    found = models.JSONField(default=dict)
    found_at = models.DateTimeField(null=True)
    # The uncertain delivery up to which the folder of sent mail was searched.
    searched_up_to = models.BigIntegerField(default=0)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")

    def __str__(self) -> str:
        return f"{self.email_account_id} {self.reason or 'ok'}"

    @property
    def is_stopped(self) -> bool:
        return bool(self.reason) and self.next_poll_at is None
