"""Mailboxes that mail is sent through, their lanes, health and turns."""

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
from massmail.models.address import Address, InvalidAddress


class Security(models.TextChoices):
    NONE = "none", _("none")
    STARTTLS = "starttls", _("STARTTLS")
    TLS = "tls", _("TLS")


class State(models.TextChoices):
    """Whether an account sends; a pause ends by itself, a stop by a person."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")


class EmailAccountQuerySet(models.QuerySet["EmailAccount"]):
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

    def lease_tokens(
        self, account: EmailAccount, *, until: dt.datetime, now: dt.datetime
    ) -> uuid.UUID | None:
        """The right to renew the tokens that `account` holds; None: another has it.

        Another worker may have renewed them since they were read: the version tells.
        """
        lease = new_token()
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

    def lock(self, pk: int) -> EmailAccount:
        """The account, its row locked until the end of the transaction.

        Not its key: a row that refers to the account, such as an attempt, can be
        written meanwhile. With a full lock a claim and a hand-over could deadlock.
        """
        return self.select_for_update(no_key=True).get(pk=pk)


# What workers renew at any time: a save of an older copy must not bring it back.
TOKEN_FIELDS = (
    "access_token",
    "access_token_expires_at",
    "refresh_token",
    "refresh_token_expires_at",
    "token_version",
    "token_lease",
    "token_lease_until",
)


class EmailAccount(Owned, Timestamped):
    """A mailbox: where its server is, how to log in, how much it may send."""

    Security = Security
    State = State

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
    access_token = EncryptedTextField(blank=True, editable=False)
    access_token_expires_at = models.DateTimeField(null=True, editable=False)
    refresh_token = EncryptedTextField(blank=True, editable=False)
    refresh_token_expires_at = models.DateTimeField(null=True, editable=False)
    # Counts the tokens that were stored: who read an older one must read again.
    token_version = models.PositiveIntegerField(default=0, editable=False)
    # Whoever holds the lease may ask the provider for a new token, nobody else.
    token_lease = models.UUIDField(null=True, editable=False)
    token_lease_until = models.DateTimeField(null=True, editable=False)

    is_main = models.BooleanField(
        _("main account"),
        default=False,
        help_text=_("The only one through which VIP recipients are mailed."),
    )
    for_massmail = models.BooleanField(_("for mass mail"), default=True)
    imports_mail = models.BooleanField(_("reads returned mail"), default=False)
    imap_host = models.CharField(_("IMAP server"), max_length=253, blank=True)
    imap_port = models.PositiveIntegerField(_("IMAP port"), default=993)

    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(
        _("per day"),
        null=True,
        blank=True,
        help_text=_("The limit of Massmail Settings when blank."),
    )
    per_domain_hour = models.PositiveIntegerField(
        _("per domain and hour"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("To addresses of one domain; no limit when blank."),
    )
    warm_up_start = models.PositiveIntegerField(
        _("first day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Messages on the first day; no warm-up when blank."),
    )
    warm_up_growth = models.PositiveIntegerField(
        _("more each day"),
        default=20,
        validators=[MinValueValidator(1)],
        help_text=_("Until the limit per day is reached."),
    )
    warm_up_began_at = models.DateTimeField(
        _("warm-up began"), null=True, editable=False
    )
    min_gap_seconds = models.FloatField(
        _("shortest gap"), default=15.0, validators=[MinValueValidator(0.0)]
    )
    max_gap_seconds = models.FloatField(
        _("longest gap"), default=35.0, validators=[MinValueValidator(0.0)]
    )
    max_connections = models.PositiveSmallIntegerField(
        _("connections"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
    )

    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.ACTIVE
    )
    # A code word of the outcome table, or words for a person.
    state_reason = models.CharField(_("reason"), max_length=300, blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    last_error = models.CharField(
        _("last error"), max_length=500, blank=True, editable=False
    )
    # What the server said it takes (SMTP SIZE) when the connection was last tested.
    max_message_bytes = models.PositiveBigIntegerField(null=True, editable=False)
    failures_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    # When a background check last looked at the login.
    checked_at = models.DateTimeField(null=True, editable=False)
    # The random gap after the last mail ends here.
    next_send_at = models.DateTimeField(null=True, editable=False)

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

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> EmailAccount:
        account = super().from_db(*args, **kwargs)
        account._loaded_tokens = account._tokens()
        return account

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Leaves tokens alone that were not changed here since they were read."""
        if not args and "update_fields" not in kwargs and not self._state.adding:
            kwargs["update_fields"] = self._fields_to_save()
        super().save(*args, **kwargs)
        self._loaded_tokens = self._tokens()

    def _fields_to_save(self) -> list[str]:
        loaded = getattr(self, "_loaded_tokens", {})
        unchanged = {
            name for name, value in self._tokens().items() if loaded.get(name) == value
        }
        left_out = unchanged | self.get_deferred_fields()
        return [
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key
            and field.name not in left_out
            and field.attname not in left_out
        ]

    def _tokens(self) -> dict[str, Any]:
        return {
            name: self.__dict__[name] for name in TOKEN_FIELDS if name in self.__dict__
        }

    def clean(self) -> None:
        for field in ("from_email", "reply_to"):
            try:
                if getattr(self, field):
                    Address.parse(getattr(self, field))
            except InvalidAddress as error:
                raise ValidationError({field: str(error)}) from error

    @property
    def is_connected(self) -> bool:
        """A person has let this site use the mailbox."""
        return bool(self.refresh_token or self.access_token)

    @property
    def has_gaps(self) -> bool:
        return self.max_gap_seconds > 0

    def may_be_used_by(self, user: Any) -> bool:
        return user is not None and user.pk in (self.owner_id, self.co_owner_id)


class AccountLane(models.Model):
    """One connection's right to send; whoever holds the token holds the lane."""

    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="lanes"
    )
    number = models.PositiveSmallIntegerField()
    lease_until = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")
        constraints = [
            models.UniqueConstraint(
                fields=["email_account", "number"], name="one_lane_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email_account_id}/{self.number}"


class AccountEvent(models.Model):
    """A line in the history of an account's health."""

    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="events"
    )
    occurred_at = models.DateTimeField(_("when"))
    state = models.CharField(_("state"), max_length=8, choices=State)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    detail = models.CharField(_("server's words"), max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("account event")
        verbose_name_plural = _("account events")
        ordering = ["-occurred_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.state} {self.reason}"


class EmlAccountsQueueQuerySet(models.QuerySet["EmlAccountsQueue"]):
    def turns(self, owner: Any, accounts: list[EmailAccount]) -> list[EmlAccountsQueue]:
        """The owner's turns through these accounts, the longest waiting first."""
        self.bulk_create(
            [self.model(owner=owner, email_account=account) for account in accounts],
            ignore_conflicts=True,
        )
        return list(
            self.filter(owner=owner, email_account__in=accounts).order_by(
                F("last_turn_at").asc(nulls_first=True), "email_account_id"
            )
        )


class EmlAccountsQueue(models.Model):
    """An owner's accounts in turn: one row per turn."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="turns"
    )
    last_turn_at = models.DateTimeField(_("last turn"), null=True)

    objects = EmlAccountsQueueQuerySet.as_manager()

    class Meta:
        verbose_name = _("turn of an account")
        verbose_name_plural = _("turns of accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "email_account"], name="one_turn_per_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}/{self.email_account_id}"


def new_token() -> uuid.UUID:
    """A claim or lane token: random, so that a late worker cannot guess it."""
    return uuid.uuid4()
