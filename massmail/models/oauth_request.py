"""A person who went to a mailbox's provider to let this site use the mailbox."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from massmail.models.email_account import EmailAccount

LIFETIME = dt.timedelta(minutes=10)


def digest(secret: str) -> str:
    """What is stored of a random text that only the browser keeps."""
    return hashlib.sha256(secret.encode()).hexdigest()


class OAuthRequestQuerySet(models.QuerySet["OAuthRequest"]):
    def take(
        self, *, state: str, session: str, user: Any, now: dt.datetime
    ) -> OAuthRequest | None:
        """The request that this person's session began, once; None for any other."""
        request = self.filter(
            state_digest=digest(state),
            session_digest=digest(session),
            user=user,
            expires_at__gt=now,
        ).first()
        if request is None:
            return None
        # Of two calls at once only one deletes the row.
        deleted, _models = self.filter(pk=request.pk).delete()
        return request if deleted else None

    def forget_old(self, now: dt.datetime) -> None:
        self.filter(expires_at__lte=now).delete()


class OAuthRequest(models.Model):
    """Bound to user, session and account; valid once and for ten minutes."""

    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="+"
    )
    provider = models.CharField(max_length=20)
    redirect_uri = models.CharField(max_length=500)
    code_verifier = EncryptedTextField()
    expires_at = models.DateTimeField()

    objects = OAuthRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for access to a mailbox")
        verbose_name_plural = _("requests for access to mailboxes")

    def __str__(self) -> str:
        return f"{self.provider}/{self.email_account_id}"
