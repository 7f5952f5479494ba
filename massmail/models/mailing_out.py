"""One message to many recipients."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Subquery, Value
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped
from massmail.models.delivery import Delivery
from massmail.models.delivery_states import (
    OPEN_STATUSES,
    DeliveryStatus,
    SkipReason,
)
from massmail.models.eml_message import EmlMessage, MessageVersion


class Status(models.TextChoices):
    """The stored letters are those of the system that many users come from."""

    ACTIVE = "A", _("active")
    NEEDS_PERSON = "E", _("needs attention")
    PAUSED = "P", _("paused")
    INTERRUPTED = "I", _("cancelled")
    DONE = "D", _("done")


# Sending goes on while only uncertain rows need a person; a breaker's stop_reason
# holds everything.
SENDING_STATUSES = (Status.ACTIVE, Status.NEEDS_PERSON)
FINAL_STATUSES = (Status.INTERRUPTED, Status.DONE)


class MailingOutQuerySet(models.QuerySet["MailingOut"]):
    def drafts(self) -> MailingOutQuerySet:
        return self.filter(
            status=Status.PAUSED, launched_at=None, launching__isnull=True
        )

    def launching(self) -> MailingOutQuerySet:
        """Launched by somebody, whose rows are still being checked."""
        return self.filter(
            status=Status.PAUSED, launched_at=None, launching__isnull=False
        )

    def under_way(self) -> MailingOutQuerySet:
        """Launched, and they may still send."""
        return self.filter(
            status__in=(*SENDING_STATUSES, Status.PAUSED), launched_at__isnull=False
        )

    def row_counts(self) -> dict[int, dict[str, int]]:
        """{id: {status: rows}}, every status named, counted from the rows.

        Each state by itself along the index of states: databases take several times
        as long to group all rows of a mailing.
        """
        counted = self.order_by().annotate(
            **{f"rows_{status.name}": counted_rows(status) for status in DeliveryStatus}
        )
        columns = [f"rows_{status.name}" for status in DeliveryStatus]
        return {
            pk: dict(zip(DeliveryStatus.values, counts, strict=True))
            for pk, *counts in counted.values_list("pk", *columns)
        }

    def sending(self, now: dt.datetime) -> MailingOutQuerySet:
        """Launched, started, unexpired, held by nobody, of an active owner."""
        return self.filter(sending_condition(now))

    def expired(self, now: dt.datetime) -> MailingOutQuerySet:
        """Launched and not ended, though held, and their time is over."""
        return self.under_way().filter(expires_at__lte=now)

    def finish(self, now: dt.datetime) -> list[MailingOut]:
        """Move launched mailings on: to done, or to what is left for a person.

        Done means that each row is final; an open row of any kind, even one that
        no query of the sender would ever find, keeps the mailing open. One that is
        held is done only when its time is over: it cannot be resumed then. Returns
        the mailings that were done just now.
        """
        rows = Delivery.objects.filter(mailing=OuterRef("pk"))
        all_final = ~Exists(rows.filter(status__in=OPEN_STATUSES))
        uncertain = Exists(rows.filter(status=DeliveryStatus.UNCERTAIN))
        launched = self.filter(status__in=SENDING_STATUSES, stop_reason="")
        launched.filter(uncertain, status=Status.ACTIVE).update(
            status=Status.NEEDS_PERSON
        )
        launched.filter(~uncertain, status=Status.NEEDS_PERSON).update(
            status=Status.ACTIVE
        )
        ending = (self.expired(now) | launched).filter(all_final)
        return [
            mailing
            for mailing in ending
            if ending.filter(pk=mailing.pk).update(
                status=Status.DONE, finished_at=now, totals=mailing.counts()
            )
        ]

    def reopen(self) -> int:
        """Rows were put back: done mailings go on."""
        waiting = Delivery.objects.filter(
            mailing=OuterRef("pk"), status=DeliveryStatus.QUEUED
        )
        return self.filter(Exists(waiting), status=Status.DONE).update(
            status=Status.ACTIVE, finished_at=None, totals=None
        )

    def recount(self) -> None:
        """A row of a done mailing turned out to be sent."""
        for mailing in self.filter(status=Status.DONE):
            self.filter(pk=mailing.pk).update(totals=mailing.counts())

    def close_cancelled(self) -> None:
        """What came back to the queue of a cancelled mailing waits for nothing."""
        waiting = Delivery.objects.filter(
            mailing=OuterRef("pk"), status=DeliveryStatus.QUEUED
        )
        for mailing in self.filter(Exists(waiting), status=Status.INTERRUPTED):
            merged = mailing.merged_into_id is not None
            reason = SkipReason.MERGED if merged else SkipReason.CANCELLED
            Delivery.objects.filter(mailing=mailing).skip(reason)


def counted_rows(status: str, **conditions: Any) -> Subquery:
    """How many rows of the outer mailing are in this state.

    COUNT(*), for which an index does, also one that does not hold the keys.
    """
    count = Func(template="COUNT(*)", output_field=models.IntegerField())
    rows = rows_in_state(status).filter(**conditions)
    return Subquery(rows.order_by().values(count=count))


def rows_in_state(status: str) -> models.QuerySet[Delivery]:
    """Of the outer mailing."""
    return Delivery.objects.filter(mailing=OuterRef("pk"), status=status)


def sending_condition(now: dt.datetime, prefix: str = "") -> Q:
    """What must hold for a mailing's rows to be handed over at `now`."""
    started = Q(**{f"{prefix}start_at": None}) | Q(**{f"{prefix}start_at__lte": now})
    unexpired = Q(**{f"{prefix}expires_at": None}) | Q(
        **{f"{prefix}expires_at__gt": now}
    )
    return (
        started
        & unexpired
        & Q(
            **{
                f"{prefix}status__in": SENDING_STATUSES,
                f"{prefix}stop_reason": "",
                f"{prefix}owner__is_active": True,
            }
        )
    )


class ListKeys(NamedTuple):
    """Keys of the target lists that a mailing was made from, and of those whose members
    it leaves out."""

    included: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()


class MailingOut(Owned, Timestamped):
    """A mailing: its rows are `Delivery` objects; paused before launch: a draft."""

    Status = Status

    name = models.CharField(_("name"), max_length=250)
    message = models.ForeignKey(
        EmlMessage,
        verbose_name=_("message"),
        on_delete=models.PROTECT,
        related_name="mailings",
    )
    version = models.ForeignKey(
        MessageVersion,
        verbose_name=_("message as launched"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="mailings",
    )
    content_type = models.ForeignKey(
        ContentType,
        verbose_name=_("recipients' type"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    status = models.CharField(
        _("status"), max_length=1, choices=Status, default=Status.PAUSED
    )
    stop_reason = models.CharField(
        _("why it was stopped"), max_length=300, blank=True, editable=False
    )
    start_at = models.DateTimeField(_("start"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    is_tracked = models.BooleanField(
        _("note opens and clicks"),
        default=True,
        help_text=_("Where the settings and the recipient allow it."),
    )
    utm_campaign = models.CharField(
        _("UTM campaign"),
        max_length=100,
        blank=True,
        help_text=_(
            "Added to the links for your web statistics; nothing is added when blank."
        ),
    )
    selection = models.JSONField(default=dict, editable=False)
    # Also when the mailing is done: they say what a recipient can unsubscribe from.
    target_lists = models.ManyToManyField(
        "massmail.TargetList",
        verbose_name=_("target lists"),
        related_name="mailings",
        blank=True,
        editable=False,
    )
    excluded_lists = models.ManyToManyField(
        "massmail.TargetList",
        verbose_name=_("lists left out"),
        related_name="excluding_mailings",
        blank=True,
        editable=False,
    )
    prepared_at = models.DateTimeField(_("prepared"), null=True, editable=False)
    launched_at = models.DateTimeField(_("launched"), null=True, editable=False)
    # The decision, and how far it is carried out: until all rows are checked.
    launching: Any = models.JSONField(null=True, editable=False)
    # Breakers look no further back than this.
    resumed_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="merged_from",
    )
    report = models.TextField(_("report"), blank=True)
    # The number chosen; in the end the states of the rows must add up to it.
    recipients_count = models.PositiveIntegerField(
        _("recipients"), default=0, editable=False
    )
    # Set when the mailing is done; until then rows are counted.
    totals = models.JSONField(null=True, editable=False)
    override_reason = models.CharField(
        _("why preflight was overridden"), max_length=500, blank=True, editable=False
    )

    objects = MailingOutQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailing")
        verbose_name_plural = _("mailings")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["status", "start_at"], name="mailing_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at=None)
                | Q(start_at=None)
                | Q(expires_at__gt=F("start_at")),
                name="mailing_expires_after_start",
                violation_error_message=_("It must expire after its start."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self._is_before_launch and self.launching is None

    @property
    def is_launching(self) -> bool:
        """Somebody has launched it, and its rows are still being checked."""
        return self._is_before_launch and self.launching is not None

    @property
    def _is_before_launch(self) -> bool:
        return self.status == Status.PAUSED and self.launched_at is None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    def is_over(self, now: dt.datetime) -> bool:
        """Cancelled, or its time has passed: what waits again is skipped at once."""
        has_expired = self.expires_at is not None and self.expires_at <= now
        return self.status == Status.INTERRUPTED or has_expired

    def list_keys(self) -> ListKeys:
        """In one small statement: asked wherever it is checked who may be mailed."""
        included = MailingOut.target_lists.through.objects.filter(mailingout=self.pk)
        excluded = MailingOut.excluded_lists.through.objects.filter(mailingout=self.pk)
        rows = included.values_list("targetlist_id", Value(1)).union(
            excluded.values_list("targetlist_id", Value(0))
        )
        found = sorted(rows)
        return ListKeys(
            tuple(key for key, is_included in found if is_included),
            tuple(key for key, is_included in found if not is_included),
        )

    def counts(self) -> dict[str, int]:
        """Rows by status; every status is named, counted from the rows."""
        return MailingOut.objects.filter(pk=self.pk).row_counts()[self.pk]

    def skip_counts(self) -> dict[str, int]:
        """Rows that are not mailed, by reason."""
        skipped = self.deliveries.filter(status=DeliveryStatus.SKIPPED).order_by()
        return dict(skipped.values_list("reason").annotate(count=models.Count("pk")))
