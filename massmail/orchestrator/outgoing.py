"""From claimed rows to bytes: fresh data of the recipients, one message at a time."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils.functional import cached_property

from massmail.conf import conf
from massmail.content.headers import Envelope
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    MassmailSettings,
    SampleValues,
    SendAttempt,
)
from massmail.models.address import Address, InvalidAddress
from massmail.models.breakers import StopReason, stop_mailing
from massmail.orchestrator.compiling import compiled_version, sender_of
from massmail.orchestrator.preview_values import harmless_url
from massmail.recipients.registry import source_for
from massmail.recipients.source import Recipient, VariableValue
from massmail.tracking.events import record_of
from massmail.tracking.public_links import link_values, unsubscribe_url

logger = logging.getLogger(__name__)
SkipReason = Delivery.SkipReason

TEST_MARK = "[TEST]"


class CannotSend(Exception):
    """This recipient gets no copy; `reason` is the word for the ledger."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is ready for the wire."""

    delivery: Delivery
    mail_from: str
    rcpt_to: str
    payload: bytes

    @property
    def envelope(self) -> tuple[str, str, int]:
        return self.mail_from, self.rcpt_to, len(self.payload)


class Batch:
    """The claimed rows of one claim, rendered as they are asked for.

    One recipient that cannot be rendered is skipped alone.
    """

    def __init__(
        self,
        account: EmailAccount,
        deliveries: list[Delivery],
        token: uuid.UUID,
        *,
        now: dt.datetime,
    ) -> None:
        self.account = account
        self.now = now
        self.skipped = 0
        self._token = token
        self._gone: set[int] = set()
        self._held: set[int | None] = set()
        self._messages = self._render_all(deliveries)
        self._recipients = load_recipients(deliveries)
        self._samples = load_samples(deliveries)
        self._untracked = MassContact.objects.untracked(map(record_of, deliveries))
        self._sender = sender_of(account)
        self._mail_from = Address.parse(account.from_email).wire

    def next(self) -> Outgoing | None:
        """The next message; None when the batch is used up."""
        return next(self._messages, None)

    def drop(self, ids: set[int], mailings: set[int | None]) -> None:
        """Offer these rows no more, nor any of these mailings."""
        self._gone |= ids
        self._held |= mailings

    def _render_all(self, deliveries: list[Delivery]) -> Iterator[Outgoing]:
        for delivery in deliveries:
            if delivery.pk in self._gone or delivery.mailing_id in self._held:
                continue
            try:
                yield self._render(delivery)
            except CannotSend as error:
                self.skipped += Delivery.objects.skip_claimed(
                    delivery.pk, self._token, error.reason
                )
            except MessageTemplateError as error:
                # Nobody's fault but the message's: the row goes back to the queue.
                logger.error("Message version %s: %s", delivery.version_id, error)
                stop_mailing(
                    delivery.mailing_id, StopReason.MESSAGE_BROKEN, now=self.now
                )
                self.drop(set(), {delivery.mailing_id})

    def _render(self, delivery: Delivery) -> Outgoing:
        recipient = self._recipient(delivery)
        address = current_address(delivery, recipient)
        if address.text != delivery.address:
            self._move(delivery, address)
        compiled = compiled_version(
            delivery.version_id,
            self._sender,
            subject_mark=TEST_MARK if is_test(delivery) else "",
            tracking_url=self._tracking_url(delivery),
        )
        envelope = self._envelope(delivery, recipient, address)
        values = (
            recipient.variables
            | self._values(envelope)
            | link_values(
                compiled.used_variables,
                base_url=self._settings.base_url,
                delivery_id=delivery.pk,
                address_key=address.key,
            )
        )
        if compiled.missing(values):
            raise CannotSend(SkipReason.MISSING_VALUE)
        try:
            payload = compiled.render(values, envelope)
        except RenderError as error:
            raise CannotSend(SkipReason.RENDER_ERROR) from error
        return Outgoing(delivery, self._mail_from, address.wire, payload)

    def _move(self, delivery: Delivery, address: Address) -> None:
        """Write a changed address into the row; a collision becomes `duplicate`."""
        if was_tried(delivery, address):
            raise CannotSend(SkipReason.DUPLICATE)
        claimed = Delivery.objects.held_by(self._token, Delivery.Status.CLAIMED)
        try:
            with transaction.atomic():
                claimed.filter(pk=delivery.pk).update(
                    address=address.text,
                    address_key=address.key,
                    address_domain=address.domain,
                )
        except IntegrityError as error:
            raise CannotSend(SkipReason.DUPLICATE) from error
        delivery.address, delivery.address_key = address.text, address.key

    def _recipient(self, delivery: Delivery) -> Recipient:
        if delivery.content_type_id is None:
            values = self._samples.get(delivery.pk, {})
            return Recipient("", delivery.address, delivery.name, variables=values)
        key = (delivery.content_type_id, delivery.object_id)
        if key not in self._recipients:
            raise CannotSend(SkipReason.RECIPIENT_DELETED)
        return self._recipients[key]

    def _envelope(
        self, delivery: Delivery, recipient: Recipient, address: Address
    ) -> Envelope:
        envelope = Envelope(
            to_name=recipient.name,
            to_address=address.wire,
            message_id=delivery.message_id,
            date=self.now,
        )
        if delivery.kind in (Delivery.Kind.ALERT, Delivery.Kind.CONFIRMATION):
            # Not list mail: there is nothing to unsubscribe from.
            return envelope
        return replace(
            envelope,
            unsubscribe_url=self._unsubscribe_url(delivery, address),
            **self._list_fields(delivery),
        )

    def _unsubscribe_url(self, delivery: Delivery, address: Address) -> str:
        """That of a test opts out nobody: whoever tries it means the recipient's."""
        if is_test(delivery):
            return harmless_url(self._settings)
        return unsubscribe_url(
            base_url=self._settings.base_url,
            delivery_id=delivery.pk,
            address_key=address.key,
        )

    def _tracking_url(self, delivery: Delivery) -> str:
        """Blank where nothing may be noted; a test is nobody's reading."""
        is_forbidden = is_test(delivery) or record_of(delivery) in self._untracked
        return "" if is_forbidden else self._settings.base_url

    def _list_fields(self, delivery: Delivery) -> dict[str, str]:
        """List-Id and Feedback-ID: constant per mailing, without internal ids."""
        domain = self._mail_from.rpartition("@")[2]
        list_key = opaque("list", delivery.mailing_id)
        account_key = opaque("account", self.account.pk)
        return {
            "list_id": f"{list_key}.list.{domain}",
            "feedback_id": f"{list_key}:{account_key}:{delivery.kind}:massmail",
        }

    def _values(self, envelope: Envelope) -> dict[str, str | dt.date]:
        return {
            "unsubscribe_url": envelope.unsubscribe_url,
            "postal_address": self._settings.postal_address,
            "sender_name": self._sender.name,
            "sender_email": self._sender.email,
            "today": self.now.astimezone(self._settings.zone).date(),
        }

    @cached_property
    def _settings(self) -> MassmailSettings:
        return MassmailSettings.load()


def is_test(delivery: Delivery) -> bool:
    return delivery.kind == Delivery.Kind.TEST


def load_samples(deliveries: list[Delivery]) -> dict[int, dict[str, VariableValue]]:
    """What tests are filled with, by delivery."""
    tests = [delivery.pk for delivery in deliveries if is_test(delivery)]
    return SampleValues.objects.by_delivery(tests) if tests else {}


def load_recipients(deliveries: list[Delivery]) -> dict[tuple[int, str], Recipient]:
    """The records as they are now, one query per type."""
    by_type: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.content_type_id is not None:
            by_type[delivery.content_type_id].append(delivery)
    found = {}
    for type_id, rows in by_type.items():
        source = source_for(rows[0].content_type)
        recipients = source.recipients(source.pk_of(row.object_id) for row in rows)
        found |= {(type_id, key): value for key, value in recipients.items()}
    return found


def current_address(delivery: Delivery, recipient: Recipient) -> Address:
    """The record's address before the first attempt, afterwards the one attempted."""
    text = delivery.address if delivery.attempts else recipient.address
    if not text:
        raise CannotSend(SkipReason.NO_ADDRESS)
    try:
        return Address.parse(text)
    except InvalidAddress as error:
        raise CannotSend(SkipReason.INVALID_ADDRESS) from error


def was_tried(delivery: Delivery, address: Address) -> bool:
    """Whether the mailing may have reached the address through another record.

    Also by a row that is skipped by now, and so leaves the address free.
    """
    if delivery.mailing_id is None:
        return False
    others = Delivery.objects.filter(
        mailing=delivery.mailing_id, address_key=address.key
    ).exclude(pk=delivery.pk)
    tried = SendAttempt.objects.filter(delivery__in=others.values("pk"))
    return tried.exclude(outcome=SendAttempt.Outcome.REFUSED).exists()


def opaque(purpose: str, number: int | None) -> str:
    """A short constant name for something whose id the world must not see."""
    text = f"{purpose}:{number}".encode()
    return hmac.new(conf.ADDRESS_KEY.encode(), text, hashlib.sha256).hexdigest()[:12]


def stamp(deliveries: list[Delivery], account: EmailAccount, token: uuid.UUID) -> None:
    """Before the first attempt: the mailing's current version and a Message-ID.

    Both are written before anything of the message leaves, and stay: also where
    another worker has claimed the row meanwhile.
    """
    fresh = [row for row in deliveries if not row.attempts]
    current = dict(
        MailingOut.objects.filter(
            pk__in={row.mailing_id for row in fresh if row.mailing_id}
        ).values_list("pk", "version_id")
    )
    domain = Address.parse(account.from_email).domain
    for row in fresh:
        row.version_id = current.get(row.mailing_id, row.version_id)
        row.message_id = row.message_id or f"<{uuid.uuid4().hex}@{domain}>"
    claimed = Delivery.objects.held_by(token, Delivery.Status.CLAIMED)
    claimed.bulk_update(fresh, ["version", "message_id"])
