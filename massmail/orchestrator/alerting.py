"""Open alerts also go to their recipient's mailbox, where an account can bring them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from common.users import address_of, has_address, name_of
from massmail.models import Alert, Delivery, EmailAccount, MessageVersion
from massmail.models.address import Address, InvalidAddress
from massmail.models.alert import account_cause


def mail_alerts(now: dt.datetime) -> int:
    """Queue each new alert once, through a working account of its recipient.

    Where there is none (the only account is the stopped one) the alert stays to be
    mailed, should an account work again before it is closed.
    """
    waiting = Alert.objects.filter(closed_at=None, mailed_at=None)
    return sum(
        mail_alert(alert, now)
        for alert in waiting.filter(has_address("recipient__")).select_related(
            "recipient"
        )
    )


@transaction.atomic
def mail_alert(alert: Alert, now: dt.datetime) -> bool:
    account = working_account(alert)
    if account is None:
        return False
    try:
        address = Address.parse(address_of(alert.recipient))
    except InvalidAddress:
        return False
    taken = Alert.objects.filter(pk=alert.pk, mailed_at=None).update(mailed_at=now)
    if taken:
        queue_alert(alert, account, address, now)
    return bool(taken)


def working_account(alert: Alert) -> EmailAccount | None:
    """The main one if it works; never the one that the alert is about."""
    accounts = EmailAccount.objects.usable_by(alert.recipient).filter(
        state=EmailAccount.State.ACTIVE
    )
    others = (
        account
        for account in accounts.order_by("-is_main", "pk")
        if alert.cause != account_cause(account.pk)
    )
    return next(others, None)


def queue_alert(
    alert: Alert, account: EmailAccount, address: Address, now: dt.datetime
) -> None:
    version = MessageVersion.objects.create(
        subject=_("Mass mail needs you"), text=literal(alert.text)
    )
    Delivery.objects.create(
        kind=Delivery.Kind.ALERT,
        version=version,
        name=name_of(alert.recipient),
        address=address.text,
        address_key=address.key,
        address_domain=address.domain,
        email_account=account,
        priority=Delivery.Priority.HIGH,
        queued_at=now,
        not_before=now,
    )


def literal(text: str) -> str:
    """The text with nothing in it that the template engine would take for a tag."""
    return text.replace("{", "(").replace("}", ")")
