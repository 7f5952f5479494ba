"""The copy of a mail that its reader sees in the browser."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from massmail import tokens
from massmail.content.values import Value
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.models import Delivery, EmailAccount, MassmailSettings
from massmail.models.address import Address, InvalidAddress
from massmail.orchestrator.compiling import compiled_version, sender_of
from massmail.orchestrator.outgoing import is_test, load_recipients, load_samples
from massmail.orchestrator.preview_values import placeholder, standard_values
from massmail.orchestrator.previewing import data_address
from massmail.tracking.consent import allows_tracking
from massmail.tracking.public_links import VIEW, link_values, unsubscribe_url


@dataclass(frozen=True)
class BrowserCopy:
    """`html` is "" when the mail was plain text."""

    subject: str
    html: str
    text: str


def browser_copy(text: str, *, now: dt.datetime) -> BrowserCopy | None:
    """What the holder of this token may read; None when there is nothing (any more).

    Only the person who got the mail sees what was personal in it: after the address
    was erased, or the record is another's, it is the mail as it is for everybody.
    """
    try:
        token = tokens.read(VIEW, text)
    except tokens.InvalidToken:
        return None
    rows = Delivery.objects.select_related("email_account", "mass_contact", "version")
    delivery = rows.filter(pk=token.delivery_id, version__isnull=False).first()
    settings = MassmailSettings.load()
    if delivery is None or not is_readable(delivery, settings, now):
        return None
    is_addressee = bool(delivery.address) and delivery.address_key == token.address_key
    try:
        return filled(delivery, settings, now, is_addressee=is_addressee)
    except (MessageTemplateError, RenderError):
        return None


def is_readable(
    delivery: Delivery, settings: MassmailSettings, now: dt.datetime
) -> bool:
    left_at = delivery.sent_at or delivery.sending_at
    return left_at is not None and now < left_at + dt.timedelta(days=settings.view_days)


def filled(
    delivery: Delivery,
    settings: MassmailSettings,
    now: dt.datetime,
    *,
    is_addressee: bool,
) -> BrowserCopy:
    account: EmailAccount | None = delivery.email_account
    is_tracked = is_addressee and allows_tracking(delivery)
    compiled = compiled_version(
        delivery.version_id,
        sender_of(account) if account else placeholder(),
        tracking_url=settings.base_url if is_tracked else "",
        has_pixel=False,
    )
    values = standard_values(settings)
    if is_addressee:
        values |= personal_values(delivery, compiled.used_variables, settings)
    values["today"] = (delivery.sent_at or now).astimezone(settings.zone).date()
    return BrowserCopy(
        subject=compiled.render_subject(values),
        html=compiled.render_html(values, data_address) if compiled.html else "",
        text=compiled.render_text(values),
    )


def personal_values(
    delivery: Delivery, names: frozenset[str], settings: MassmailSettings
) -> dict[str, Value]:
    """Of the record as it is now; where it is gone or another's, the links alone."""
    of_recipient: dict[str, Any] = {
        "base_url": settings.base_url,
        "delivery_id": delivery.pk,
        "address_key": delivery.address_key,
    }
    if is_test(delivery):
        return load_samples([delivery]).get(delivery.pk, {})
    links = {
        "unsubscribe_url": unsubscribe_url(**of_recipient),
        **link_values(names, **of_recipient),
    }
    return own_variables(delivery) | links


def own_variables(delivery: Delivery) -> dict[str, Value]:
    try:
        recipients = load_recipients([delivery])
    except LookupError:
        # The host no longer offers such recipients.
        return {}
    key = (delivery.content_type_id, delivery.object_id)
    recipient = recipients.get(key)
    if recipient is None or not is_at(recipient.address, delivery.address_key):
        return {}
    return dict(recipient.variables)


def is_at(address: str, address_key: str) -> bool:
    """Whether the record is still that of the person who got the mail."""
    try:
        return Address.parse(address).key == address_key
    except InvalidAddress:
        return False
