"""The "don't mail" list."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from massmail.models.address import Address, InvalidAddress, ascii_domain
from massmail.models.suppression_batches import SuppressionBatches
from massmail.models.suppression_change import SuppressionChange
from massmail.models.target_list import TargetList


class Reason(models.TextChoices):
    """Why an address or a domain is not mailed."""

    OPTED_OUT = "opted_out", _("unsubscribed")
    HARD_BOUNCE = "hard_bounce", _("the address does not exist")
    SOFT_BOUNCES = "soft_bounces", _("failed again and again")
    COMPLAINT = "complaint", _("complained about spam")
    MANUAL = "manual", _("entered by a colleague")


class SuppressedAddressQuerySet(SuppressionBatches):
    def for_all(self) -> SuppressedAddressQuerySet:
        """Without the rows that keep an address from one target list alone."""
        return self.filter(target_list=None)

    def of_address(self, key: str) -> SuppressedAddressQuerySet:
        """None for an empty key, which leads SQLite, too, to the index of addresses."""
        return self.filter(address_key=key).exclude(address_key="")

    def of_person(self, key: str) -> SuppressedAddressQuerySet:
        """The same with the rows for one target list, whose index begins with it."""
        lists = list(TargetList.objects.values_list("pk", flat=True))
        return self.filter(
            ~Q(address_key="") & Q(address_key=key, target_list=None)
            | Q(address_key=key, target_list__in=lists)
        )

    def suppress(
        self,
        address: str,
        *,
        reason: str,
        source: str,
        by: Any = None,
        target_list: TargetList | None = None,
    ) -> SuppressedAddress:
        """Put an address on the list; raises `InvalidAddress`. Idempotent.

        An opt-out is the strongest reason: a later bounce never replaces it; the
        recipient's own replaces one that a colleague entered. With a target list only
        the mailings that are made from it do not reach the address.
        """
        parsed = Address.parse(address)
        return self.suppress_key(
            parsed.key,
            address=parsed.text,
            reason=reason,
            source=source,
            by=by,
            target_list=target_list,
        )

    def suppress_key(
        self,
        key: str,
        *,
        address: str = "",
        reason: str,
        source: str,
        by: Any = None,
        target_list: TargetList | None = None,
    ) -> SuppressedAddress:
        """The same for an address of which only the key is left."""
        new = SuppressedAddress(
            address_key=key,
            address=address,
            reason=reason,
            source=source,
            by=by,
            target_list=target_list,
        )
        same = self.of_address(key).filter(target_list=target_list)
        # Part of the caller's transaction: two at once go one after the other from
        # here on.
        with transaction.atomic(using=self.db, savepoint=False):
            row: SuppressedAddress | None = None
            while row is None:
                self.bulk_create([new], ignore_conflicts=True)
                # None: what stood in the way was lifted at this very moment.
                row = same.select_for_update().first()
            # Its moment tells whether it is this call's own.
            if row.created_at == new.created_at:
                keep(Action.ADDED, row)
            elif reason == Reason.OPTED_OUT and (
                row.reason != reason or (row.by_id and by is None)
            ):
                self.filter(pk=row.pk).update(reason=reason, source=source, by=by)
                row.refresh_from_db()
                keep(Action.CHANGED, row)
        return row

    def lift(self, *, source: str, by: Any = None) -> int:
        """Take these rows off the list; the history keeps what they were."""
        with transaction.atomic(using=self.db):
            rows = list(self.select_related(None).select_for_update())
            SuppressionChange.objects.bulk_create(
                change_of(Action.LIFTED, row, source=source, by=by) for row in rows
            )
            self.model._default_manager.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows)

    def blank(self, address_key: str) -> int:
        """Erase a person: the address goes, the key stays and goes on forbidding."""
        return self.of_person(address_key).update(address="")

    def forbidding(self, addresses: Collection[Address]) -> SuppressedAddressQuerySet:
        """The rows that forbid any of these altogether.

        Either half says all that its index holds: SQLite takes it for nothing less.
        """
        keys = {one.key for one in addresses}
        domains = {name for one in addresses for name in parent_domains(one.domain)}
        return self.filter(
            ~Q(address_key="") & Q(address_key__in=keys, target_list=None)
            | ~Q(domain="") & Q(domain__in=domains)
        )

    def covering(self, address: str) -> SuppressedAddressQuerySet:
        """The rows that forbid this address altogether; raises `InvalidAddress`."""
        return self.forbidding([Address.parse(address)])

    def covers(self, address: str) -> bool:
        """Whether the address must not be mailed; raises `InvalidAddress`."""
        return self.covering(address).exists()


Action = SuppressionChange.Action


def change_of(
    action: str, row: SuppressedAddress, *, source: str, by: Any
) -> SuppressionChange:
    return SuppressionChange(
        action=action,
        address_key=row.address_key,
        domain=row.domain,
        target_list_id=row.target_list_id,
        reason=row.reason,
        source=source,
        by=by,
    )


def keep(action: str, row: SuppressedAddress) -> None:
    """A line of the history, by whom the row says."""
    change_of(action, row, source=row.source, by=row.by).save()


def parent_domains(domain: str) -> list[str]:
    """`a.b.com` → `[a.b.com, b.com, com]`: a domain stands for its sub-domains."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


class SuppressedAddress(models.Model):
    """An address (by its key) or a domain that no mailing reaches.

    With a target list: that no mailing reaches that is made from this list. Erasing a
    person blanks `address`; the key stays, so that a re-import or a merge never mails
    them again.
    """

    Reason = Reason

    address = models.CharField(_("address"), max_length=320, blank=True)
    address_key = models.CharField(max_length=32, blank=True, editable=False)
    domain = models.CharField(_("domain"), max_length=253, blank=True)
    target_list = models.ForeignKey(
        TargetList,
        verbose_name=_("only this list"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="opt_outs",
        db_index=False,  # see one_suppression_per_list
    )
    reason = models.CharField(
        _("reason"), max_length=20, choices=Reason, default=Reason.MANUAL
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = SuppressedAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the don't-mail list")
        verbose_name_plural = _("entries of the don't-mail list")
        permissions = [
            ("lift_opt_out", "Can subscribe somebody again who has opted out")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["address_key"],
                condition=~Q(address_key="") & Q(target_list=None),
                name="one_suppression_per_address",
            ),
            models.UniqueConstraint(
                fields=["target_list", "address_key"],
                condition=Q(target_list__isnull=False),
                name="one_suppression_per_list",
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=~Q(domain=""),
                name="one_suppression_per_domain",
            ),
            models.CheckConstraint(
                condition=~Q(address_key="", domain="")
                & (Q(address_key="") | Q(domain="")),
                name="suppression_of_address_or_domain",
            ),
            models.CheckConstraint(
                condition=Q(target_list=None) | Q(domain="", reason=Reason.OPTED_OUT),
                name="lists_are_left_by_opt_outs",
            ),
        ]

    def __str__(self) -> str:
        return self.domain or self.address or self.address_key

    def clean(self) -> None:
        """Fills the key; says what is wrong with the address or the domain."""
        if bool(self.address) == bool(self.domain) and not self.address_key:
            raise ValidationError(_("Give either an address or a domain."))
        try:
            if self.address:
                parsed = Address.parse(self.address)
                self.address, self.address_key = parsed.text, parsed.key
            elif self.domain:
                self.domain = ascii_domain(self.domain.strip().lstrip("@"))
        except InvalidAddress as error:
            raise ValidationError(str(error)) from error
