"""From claimed rows to bytes: fresh data of the recipients, one message at a time."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import uuid
from collections import defaultdict, deque
from itertools import islice
from typing import Any, NamedTuple, cast

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.functional import cached_property

from massmail.conf import conf
from massmail.content.headers import Envelope
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.models import (
    Delivery,
    EmailAccount,
    MassmailSettings,
    MessageVersion,
    SampleValues,
    SendAttempt,
)
from massmail.models.address import Address, InvalidAddress
from massmail.models.breakers import StopReason, stop_mailing
from massmail.orchestrator.compiling import compiled_version, sender_of
from massmail.orchestrator.preview_values import harmless_url
from massmail.recipients.registry import source_for
from massmail.recipients.source import Recipient, VariableValue
from massmail.tracking.consent import objecting
from massmail.tracking.public_links import link_values, unsubscribe_url

logger = logging.getLogger(__name__)
Kind = Delivery.Kind
SkipReason = Delivery.SkipReason

TEST_MARK = "[TEST]"
# Larger messages are mostly attachments: copied quickly, and too big to keep many.
LARGE_BYTES = 256 * 1024


class CannotSend(Exception):
    """This recipient gets no copy; `reason` is the word for the ledger."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Outgoing(NamedTuple):
    """A message that is ready for the wire."""

    delivery: Delivery
    mail_from: str
    rcpt_to: str
    payload: bytes

    @property
    def envelope(self) -> tuple[str, str, int]:
        return self.mail_from, self.rcpt_to, len(self.payload)

    @property
    def is_large(self) -> bool:
        return len(self.payload) > LARGE_BYTES


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
        self._list_fields_of: dict[tuple[int | None, str], dict[str, str]] = {}
        self._waiting = deque(deliveries)
        # By id, what was rendered ahead of its turn.
        self._ahead: dict[int, Outgoing] = {}
        self._version_at_hand: tuple[Any, ...] | None = None
        self._recipients = load_recipients(deliveries)
        self._samples = load_samples(deliveries)
        self._untracked = untracked_ids(deliveries)
        self._sender = sender_of(account)
        self._mail_from = Address.parse(account.from_email).wire

    def next(self) -> Outgoing | None:
        """The next message; None when the batch is used up."""
        while self._waiting:
            delivery = self._waiting.popleft()
            message = self._ahead.pop(delivery.pk, None)
            if delivery.pk in self._gone or delivery.mailing_id in self._held:
                continue
            message = message or self._render_or_skip(delivery)
            if message is not None:
                return message
        return None

    def render_ahead(self, count: int) -> None:
        """Have the next messages ready; does not use the database.

        What cannot be rendered, or not without the database, waits for its turn.
        """
        for delivery in islice(self._waiting, count):
            if delivery.pk in self._ahead:
                continue
            recipient = self._recipients.get(record_of(delivery))
            is_as_before = recipient and recipient.address == delivery.address
            if not is_as_before or self._version_of(delivery) != self._version_at_hand:
                return
            try:
                self._ahead[delivery.pk] = self._render(delivery)
            except Exception:
                # Whatever it is, its turn will tell; the commit must not suffer.
                return

    def drop(self, ids: set[int], mailings: set[int | None]) -> None:
        """Offer these rows no more, nor any of these mailings."""
        self._gone |= ids
        self._held |= mailings

    def _version_of(self, delivery: Delivery) -> tuple[Any, ...]:
        return delivery.version_id, delivery.kind, self._tracking_url(delivery)

    def _render_or_skip(self, delivery: Delivery) -> Outgoing | None:
        try:
            message = self._render(delivery)
        except CannotSend as error:
            self.skipped += Delivery.objects.skip_claimed(
                delivery.pk, self._token, error.reason
            )
            return None
        except MessageTemplateError as error:
            # Nobody's fault but the message's: the row goes back to the queue.
            logger.error("Message version %s: %s", delivery.version_id, error)
            if delivery.mailing_id:
                reason = StopReason.MESSAGE_BROKEN
                stop_mailing(delivery.mailing_id, reason, now=self.now)
            self.drop(set(), {delivery.mailing_id})
            return None
        self._version_at_hand = None if message.is_large else self._version_of(delivery)
        return message

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
        values = {
            **recipient.variables,
            **self._values,
            "unsubscribe_url": envelope.unsubscribe_url,
            **link_values(
                compiled.used_variables,
                base_url=self._base_url,
                delivery_id=delivery.pk,
                address_key=address.key,
            ),
        }
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
        # Not all is list mail: from an alert there is nothing to unsubscribe.
        is_list_mail = delivery.kind not in (Kind.ALERT, Kind.CONFIRMATION)
        list_fields = self._list_fields(delivery) if is_list_mail else {}
        return Envelope(
            to_name=recipient.name,
            to_address=address.wire,
            message_id=delivery.message_id,
            date=self.now,
            unsubscribe_url=(
                self._unsubscribe_url(delivery, address) if is_list_mail else ""
            ),
            **list_fields,
        )

    def _unsubscribe_url(self, delivery: Delivery, address: Address) -> str:
        """That of a test opts out nobody: whoever tries it means the recipient's."""
        if is_test(delivery):
            return harmless_url(self._settings)
        return unsubscribe_url(
            base_url=self._base_url,
            delivery_id=delivery.pk,
            address_key=address.key,
        )

    def _tracking_url(self, delivery: Delivery) -> str:
        """Blank where nothing may be noted; a test is nobody's reading."""
        is_forbidden = is_test(delivery) or delivery.pk in self._untracked
        return "" if is_forbidden else self._base_url

    def _list_fields(self, delivery: Delivery) -> dict[str, str]:
        """List-Id and Feedback-ID: constant per mailing, without internal ids."""
        key = (delivery.mailing_id, delivery.kind)
        fields = self._list_fields_of.get(key)
        if fields is None:
            domain = self._mail_from.rpartition("@")[2]
            list_key = opaque("list", delivery.mailing_id)
            account_key = opaque("account", self.account.pk)
            fields = self._list_fields_of[key] = {
                "list_id": f"{list_key}.list.{domain}",
                "feedback_id": f"{list_key}:{account_key}:{delivery.kind}:massmail",
            }
        return fields

    @cached_property
    def _values(self) -> dict[str, str | dt.date]:
        """What is the same in all copies."""
        return {
            "postal_address": self._settings.postal_address,
            "sender_name": self._sender.name,
            "sender_email": self._sender.email,
            "today": self.now.astimezone(self._settings.zone).date(),
        }

    @cached_property
    def _base_url(self) -> str:
        return self._settings.base_url

    @cached_property
    def _settings(self) -> MassmailSettings:
        return MassmailSettings.load()


def record_of(delivery: Delivery) -> tuple[int | None, str]:
    return delivery.content_type_id, delivery.object_id


def untracked_ids(deliveries: list[Delivery]) -> set[int]:
    """Of the mails that want to know what becomes of them those that must not."""
    versions = MessageVersion.objects.filter(
        Q(tracks_opens=True) | Q(tracks_clicks=True),
        pk__in={delivery.version_id for delivery in deliveries},
    )
    tracked = set(versions.values_list("pk", flat=True))
    wanted = [delivery for delivery in deliveries if delivery.version_id in tracked]
    if not wanted:
        return set()
    keys = objecting(delivery.address_key for delivery in wanted)
    return {delivery.pk for delivery in wanted if delivery.address_key in keys}


def is_test(delivery: Delivery) -> bool:
    return delivery.kind == Kind.TEST


def load_samples(deliveries: list[Delivery]) -> dict[int, dict[str, VariableValue]]:
    """What tests are filled with, by delivery."""
    tests = [delivery.pk for delivery in deliveries if is_test(delivery)]
    return SampleValues.objects.by_delivery(tests) if tests else {}


def load_recipients(
    deliveries: list[Delivery],
) -> dict[tuple[int | None, str], Recipient]:
    """The records as they are now, one query per type."""
    by_type: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.content_type_id is not None:
            by_type[delivery.content_type_id].append(delivery)
    found: dict[tuple[int | None, str], Recipient] = {}
    for type_id, rows in by_type.items():
        source = source_for(cast(ContentType, rows[0].content_type))
        recipients = source.recipients(source.pk_of(row.object_id) for row in rows)
        found |= {(type_id, key): value for key, value in recipients.items()}
    return found


def current_address(delivery: Delivery, recipient: Recipient) -> Address:
    """The record's address before the first attempt, afterwards the one attempted."""
    text = delivery.address if delivery.attempts else recipient.address
    if not text:
        raise CannotSend(SkipReason.NO_ADDRESS)
    if text == delivery.address and delivery.address_key and delivery.address_domain:
        # The row has what `parse` has found in the same text before.
        local = text.rpartition("@")[0]
        domain = delivery.address_domain
        return Address(text, f"{local}@{domain}", delivery.address_key, domain)
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
