"""The mail that asks whether somebody really wants to be mailed again."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from massmail.models import (
    Delivery,
    EmailAccount,
    MassmailSettings,
    MessageVersion,
    SuppressedAddress,
)
from massmail.models.address import Address, InvalidAddress
from massmail.models.planned_accounts import GIVEN
from massmail.orchestrator.alerting import literal
from massmail.tracking.list_scope import lists_of, names_of
from massmail.tracking.public_links import (
    RESUBSCRIBE,
    lists_resubscribe_url,
    personal_url,
)
from massmail.tracking.responses import Responder
from massmail.tracking.resubscribing import LIFETIME

# More would let a forwarded link fill somebody's mailbox.
ONE_PER = dt.timedelta(hours=1)
A_DAY = 3


def ask_to_confirm(
    person: Responder, *, now: dt.datetime, only_lists: bool = False
) -> bool:
    """Queue the mail; False when there is no address, no account, or one was sent.

    `only_lists`: it is about the lists of the person's mail, not about all mailings.
    """
    try:
        address = Address.parse(person.address)
    except InvalidAddress:
        return False
    account = account_for(person)
    if account is None or address.key != person.address_key:
        return False
    with transaction.atomic():
        # Two clicks at once are one mail, also those in the mails of two accounts: the
        # opt-outs' rows put them in order.
        is_out = lock_opt_out(person, only_lists=only_lists)
        if not is_out or was_asked_lately(person, now):
            return False
        queue_confirmation(person, address, account, now, only_lists=only_lists)
    return True


def lock_opt_out(person: Responder, *, only_lists: bool) -> bool:
    """False for who has come back in this very moment.

    All of the address's, whatever is asked for, in the order in which lists are left.
    """
    wanted = {one.pk for one in lists_of(person.delivery)} if only_lists else {None}
    rows = SuppressedAddress.objects.of_person(person.address_key)
    rows = rows.filter(reason=SuppressedAddress.Reason.OPTED_OUT)
    locked = list(rows.order_by("target_list_id").select_for_update())
    return any(row.target_list_id in wanted for row in locked)


def was_asked_lately(person: Responder, now: dt.datetime) -> bool:
    asked = Delivery.objects.filter(
        address_key=person.address_key, kind=Delivery.Kind.CONFIRMATION
    )
    return (
        asked.filter(queued_at__gt=now - ONE_PER).exists()
        or asked.filter(queued_at__gt=now - dt.timedelta(days=1)).count() >= A_DAY
    )


def account_for(person: Responder) -> EmailAccount | None:
    """The one that mailed the person if it works, or another one of its owner, or one
    that mailed the person another time: after years the first may be nobody's."""
    if person.delivery is None or person.delivery.email_account is None:
        return None
    used = person.delivery.email_account
    known = Delivery.objects.filter(GIVEN, address_key=person.address_key)
    accounts = EmailAccount.objects.filter(
        Q(pk=used.pk)
        | Q(owner_id=used.owner_id)
        | Q(pk__in=known.values("email_account")),
        state=EmailAccount.State.ACTIVE,
    )
    return min(
        accounts,
        key=lambda one: (one.pk != used.pk, one.owner_id != used.owner_id, -one.pk),
        default=None,
    )


def queue_confirmation(
    person: Responder,
    address: Address,
    account: EmailAccount,
    now: dt.datetime,
    *,
    only_lists: bool,
) -> Delivery:
    delivery = Delivery.objects.create(
        kind=Delivery.Kind.CONFIRMATION,
        address=address.text,
        address_key=address.key,
        address_domain=address.domain,
        email_account=account,
        priority=Delivery.Priority.HIGH,
        queued_at=now,
        not_before=now,
    )
    delivery.version = question(delivery, person, only_lists=only_lists)
    delivery.save(update_fields=["version"])
    return delivery


def link_of(delivery: Delivery, person: Responder, *, only_lists: bool) -> str:
    """The link that only this mailbox gets."""
    base_url = MassmailSettings.load().base_url
    if only_lists:
        return lists_resubscribe_url(
            base_url=base_url,
            confirmation_id=delivery.pk,
            delivery_id=person.delivery_id,
            address_key=delivery.address_key,
        )
    return personal_url(
        RESUBSCRIBE,
        base_url=base_url,
        delivery_id=delivery.pk,
        address_key=delivery.address_key,
    )


def question(
    delivery: Delivery, person: Responder, *, only_lists: bool
) -> MessageVersion:
    """In the person's language."""
    url = link_of(delivery, person, only_lists=only_lists)
    with translation.override(supported(person.language)):
        subject = _("Do you want to get our mailings again?")
        text = _(
            "Somebody, probably you, asked us to send mailings to this address again."
            "\n\nIf you want that, open this page and press the button:\n%(url)s\n\n"
            "The link works for %(days)d days. If you do not want it, do nothing: you"
            " stay unsubscribed."
        ) % {"url": url, "days": LIFETIME.days}
        if only_lists:
            names = names_of(lists_of(person.delivery))
            text += "\n\n" + _("It is only about “%(names)s”.") % {"names": names}
    name = MassmailSettings.load().company_name
    return MessageVersion.objects.create(
        subject=literal(subject), text=literal(f"{text}\n\n{name}".strip())
    )


def supported(language: str) -> str:
    try:
        return translation.get_supported_language_variant(language)
    except LookupError:
        return translation.get_language() or "en"
