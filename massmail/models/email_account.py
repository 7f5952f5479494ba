"""Mailboxes that mail is sent through."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from common.models import Owned, Timestamped
from massmail.models.account_health import Healthy, State
from massmail.models.account_limits import Limited
from massmail.models.account_tokens import TokenHolder, TokenQuerySet
from massmail.models.address import Address, InvalidAddress
from massmail.models.planned_accounts import make_deletable
from massmail.models.shared_rows import SharedWithWorkers


class Security(models.TextChoices):
    NONE = "none", _("none")
    STARTTLS = "starttls", _("STARTTLS")
    TLS = "tls", _("TLS")


class EmailAccountQuerySet(TokenQuerySet):
    def usable_by(self, user: Any) -> EmailAccountQuerySet:
        """Accounts through which the user may send: the owner's and co-owner's."""
        return self.filter(Q(owner=user) | Q(co_owner=user))

    def for_mass_mail(self) -> EmailAccountQuerySet:
        return self.filter(for_massmail=True)

    def ready(self, now: dt.datetime) -> EmailAccountQuerySet:
        """Neither stopped nor inside a pause."""
        return self.filter(
            Q(state=State.ACTIVE) | Q(state=State.PAUSED, paused_until__lte=now)
        )

    def lock(self, pk: int) -> EmailAccount:
        """The account, its row locked until the end of the transaction.

        Not its key: a row that refers to the account, such as an attempt, can be
        written meanwhile. With a full lock a claim and a hand-over could deadlock.
        """
        return self.select_for_update(no_key=True).get(pk=pk)

    def delete(self) -> tuple[int, dict[str, int]]:
        """What drafts plan with them is dropped in short commits before."""
        if not self._is_refused:
            make_deletable(self)
        return super().delete()

    @property
    def _is_refused(self) -> bool:
        """Django deletes no part of a queryset, no union, and no values."""
        query = self.query
        is_partial = query.is_sliced or query.distinct_fields or query.combinator
        is_of_values = self._fields is not None  # type: ignore[attr-defined]
        return bool(is_partial) or is_of_values

    # As Django's own: no method of the manager, nor a template's to call.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


# What workers write at any time. The state is not among them: to set it is the repair.
WORKERS_FIELDS = (
    "access_token",
    "access_token_expires_at",
    "refresh_token",
    "refresh_token_expires_at",
    "token_version",
    "token_lease",
    "token_lease_until",
    "warm_up_began_at",
    "last_error",
    "max_message_bytes",
    "failures_in_a_row",
    "checked_at",
    "next_send_at",
)


class EmailAccount(
    SharedWithWorkers, TokenHolder, Limited, Healthy, Owned, Timestamped
):
    """A mailbox: where its server is, how to log in, how much it may send."""

    Security = Security
    State = State
    WORKERS_FIELDS = WORKERS_FIELDS

    # The names of login methods; a provider's own name plugs in a new one.
    NO_AUTH, PASSWORD = "none", "password"

    name = models.CharField(_("name"), max_length=100)
    co_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("co-owner"),
        help_text=_("May send through this account, too."),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    from_email = models.EmailField(_("address"), max_length=254)
    from_name = models.CharField(_("sender's name"), max_length=200, blank=True)
    reply_to = models.EmailField(_("reply to"), max_length=254, blank=True)

    # A name among `backends.presets`.
    preset = models.CharField(_("provider"), max_length=30, blank=True)
    email_host = models.CharField(_("SMTP server"), max_length=253)
    email_port = models.PositiveIntegerField(
        _("port"),
        default=587,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
    )
    security = models.CharField(
        _("security"), max_length=8, choices=Security, default=Security.STARTTLS
    )
    auth = models.CharField(_("login"), max_length=20, default=PASSWORD)
    email_host_user = models.CharField(_("user name"), max_length=254, blank=True)
    email_host_password = EncryptedTextField(_("password"), blank=True)

    is_main = models.BooleanField(
        _("main account"),
        default=False,
        help_text=_("The only one through which VIP recipients are mailed."),
    )
    for_massmail = models.BooleanField(_("for mass mail"), default=True)
    imports_mail = models.BooleanField(_("reads returned mail"), default=False)
    imap_host = models.CharField(_("IMAP server"), max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(_("IMAP port"), default=993)

    objects = EmailAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("email account")
        verbose_name_plural = _("email accounts")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(is_main=True),
                name="one_main_account_per_owner",
                violation_error_message=_("Another account is the main one already."),
            ),
            models.CheckConstraint(
                condition=Q(max_gap_seconds__gte=F("min_gap_seconds")),
                name="gap_bounds_in_order",
                violation_error_message=_(
                    "The longest gap must not be shorter than the shortest."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.from_email}>"

    def clean(self) -> None:
        for field in ("from_email", "reply_to"):
            try:
                if getattr(self, field):
                    Address.parse(getattr(self, field))
            except InvalidAddress as error:
                raise ValidationError({field: str(error)}) from error

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """What drafts plan with it is dropped in short commits before."""
        make_deletable(type(self).objects.filter(pk=self.pk))
        return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    def may_be_used_by(self, user: Any) -> bool:
        return user is not None and user.pk in (self.owner_id, self.co_owner_id)


def new_token() -> uuid.UUID:
    """A claim or lane token: random, so that a late worker cannot guess it."""
    return uuid.uuid4()
