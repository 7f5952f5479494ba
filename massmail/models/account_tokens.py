"""The tokens of an account that logs in through a provider of OAuth2."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from common.fields import EncryptedTextField

if TYPE_CHECKING:
    from massmail.models.email_account import EmailAccount


class TokenQuerySet(models.QuerySet["EmailAccount"]):
    """Who may renew an account's tokens, and how new ones are stored."""

    def lease_tokens(
        self, account: EmailAccount, *, until: dt.datetime, now: dt.datetime
    ) -> uuid.UUID | None:
        """The right to renew the tokens that `account` holds; None: another has it.

        Another worker may have renewed them since they were read: the version tells.
        """
        lease = uuid.uuid4()
        free = Q(token_lease=None) | Q(token_lease_until__lte=now)
        taken = self.filter(
            free, pk=account.pk, token_version=account.token_version
        ).update(token_lease=lease, token_lease_until=until)
        return lease if taken else None

    def return_tokens(self, account_id: int, lease: uuid.UUID) -> int:
        """Give the lease back without new tokens."""
        return self.filter(pk=account_id, token_lease=lease).update(
            token_lease=None, token_lease_until=None
        )

    def store_tokens(
        self, account_id: int, *, after: int | None = None, **tokens: Any
    ) -> int:
        """New tokens end every lease.

        `after` is the version of those that they come from: nothing is stored when
        somebody else has stored newer ones since.
        """
        rows = self.filter(pk=account_id)
        if after is not None:
            rows = rows.filter(token_version=after)
        return rows.update(
            token_lease=None,
            token_lease_until=None,
            token_version=F("token_version") + 1,
            **tokens,
        )

    def forget_tokens(self, account_id: int) -> int:
        """They were for another mailbox or another login."""
        return self.store_tokens(
            account_id,
            access_token="",
            access_token_expires_at=None,
            refresh_token="",
            refresh_token_expires_at=None,
        )


class TokenHolder(models.Model):
    """A person's consent, as the provider wrote it down."""

    access_token = EncryptedTextField(blank=True, editable=False)
    access_token_expires_at = models.DateTimeField(null=True, editable=False)
    refresh_token = EncryptedTextField(blank=True, editable=False)
    refresh_token_expires_at = models.DateTimeField(null=True, editable=False)
    # Counts the tokens that were stored: who read an older one must read again.
    token_version = models.PositiveIntegerField(default=0, editable=False)
    # Whoever holds the lease may ask the provider for a new token, nobody else.
    token_lease = models.UUIDField(null=True, editable=False)
    token_lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_connected(self) -> bool:
        """A person has let this site use the mailbox."""
        return bool(self.refresh_token or self.access_token)
