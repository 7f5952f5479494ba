"""Test mails: the message as one recipient would get it, to somebody who checks it.

A test is a delivery without a mailing: the sender treats it like any other, it counts
against the account's quota, and no mailing's numbers know of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.conf import conf
from massmail.content.compiler import compile_message
from massmail.exceptions import (
    MessageTemplateError,
    NotAllowed,
    RenderError,
    TrialRefused,
)
from massmail.models import (
    Delivery,
    EmailAccount,
    EmlMessage,
    MassmailSettings,
    MessageVersion,
    SampleValues,
    SuppressedAddress,
)
from massmail.models.address import Address, InvalidAddress
from massmail.models.sample_values import to_json
from massmail.orchestrator.compiling import (
    FILE_MISSING,
    frozen_as_it_is,
    sender_of,
    source_of_message,
)
from massmail.orchestrator.preflight import where
from massmail.orchestrator.preview_values import standard_values
from massmail.recipients.access import access_policy
from massmail.recipients.source import Recipient

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Reader:
    """Who gets a test: an address and, where it is known, a name."""

    address: str
    name: str = ""


def send_test(
    message: EmlMessage,
    *,
    by: Any,
    account: EmailAccount,
    readers: Iterable[Reader],
    recipient: Recipient,
    now: dt.datetime | None = None,
) -> list[Delivery]:
    """Queue a test for each reader, with the values of `recipient`.

    Raises NotAllowed for a foreign account, TrialRefused with everything that stands
    in the way; then nothing is queued.
    """
    moment = now or timezone.now()
    if not access_policy().may(by, "use", account):
        raise NotAllowed(_("You may not send through this account."))
    found = addresses_of(readers)
    require_complete(message, account, recipient)
    with transaction.atomic():
        require_room(by, account, len(found), moment)
        version = frozen_as_it_is(message)
        rows = [
            queue_test(version, account, reader, address, recipient, moment)
            for address, reader in found.items()
        ]
        log(message, by, list(found))
    return rows


def addresses_of(readers: Iterable[Reader]) -> dict[Address, Reader]:
    """Each address once; raises TrialRefused for those that cannot be mailed."""
    found: dict[str, tuple[Address, Reader]] = {}
    reasons = []
    for reader in readers:
        try:
            address = Address.parse(reader.address)
        except InvalidAddress:
            text = _("“%(address)s” is no address.")
            reasons.append(text % {"address": reader.address[:100]})
            continue
        if SuppressedAddress.objects.covers(address.text):
            text = _("%(address)s is on the don't-mail list.")
            reasons.append(text % {"address": address.text})
        found.setdefault(address.key, (address, reader))
    if not found and not reasons:
        reasons.append(_("Say to whom the test goes."))
    if reasons:
        raise TrialRefused(reasons)
    return dict(found.values())


def require_complete(
    message: EmlMessage, account: EmailAccount, recipient: Recipient
) -> None:
    """What the sender would only find when the row is due is said at once."""
    try:
        compiled = compile_message(
            source_of_message(message), sender=sender_of(account), variables=None
        )
    except MessageTemplateError as error:
        raise TrialRefused([where(error)]) from error
    except RenderError as error:
        raise TrialRefused([str(error)]) from error
    except FileNotFoundError as error:
        raise TrialRefused([str(FILE_MISSING)]) from error
    values = recipient.variables | standard_values(MassmailSettings.load())
    if missing := compiled.missing(values):
        text = _("%(name)s has no value for: %(missing)s.")
        name = recipient.name or recipient.address
        raise TrialRefused([text % {"name": name, "missing": ", ".join(missing)}])


def require_room(by: Any, account: EmailAccount, count: int, now: dt.datetime) -> None:
    """Tests go to any address, so that a person has only so many in an hour.

    The person's row is locked: two clicks at once are counted one after the other. A
    superuser may use accounts of others: theirs count, too.
    """
    get_user_model()._default_manager.select_for_update().get(pk=by.pk)
    own = Q(owner=by) | Q(co_owner=by)
    accounts = EmailAccount.objects.filter(own | Q(pk=account.pk)).values("pk")
    tests = Delivery.objects.filter(kind=Delivery.Kind.TEST, email_account__in=accounts)
    used = tests.filter(queued_at__gt=now - HOUR).count()
    if used + count > conf.TEST_MAILS_PER_HOUR:
        text = _(
            "You can send %(limit)d tests in an hour, and %(used)d are used. "
            "Try again later."
        )
        facts = {"limit": conf.TEST_MAILS_PER_HOUR, "used": used}
        raise TrialRefused([text % facts])


def tests_through_accounts_of(user: Any) -> QuerySet[Delivery]:
    own = Q(email_account__owner=user) | Q(email_account__co_owner=user)
    return Delivery.objects.filter(own, kind=Delivery.Kind.TEST)


def queue_test(
    version: MessageVersion,
    account: EmailAccount,
    reader: Reader,
    address: Address,
    recipient: Recipient,
    now: dt.datetime,
) -> Delivery:
    row = Delivery.objects.create(
        kind=Delivery.Kind.TEST,
        version=version,
        name=reader.name,
        address=address.text,
        address_key=address.key,
        address_domain=address.domain,
        email_account=account,
        priority=Delivery.Priority.HIGH,
        queued_at=now,
        not_before=now,
    )
    SampleValues.objects.create(delivery=row, values=to_json(recipient.variables))
    return row


def log(message: EmlMessage, by: Any, addresses: list[Address]) -> None:
    """Who mailed a message to whom outside of any mailing, in its own history."""
    text = "test to " + ", ".join(address.text for address in addresses)
    LogEntry.objects.log_actions(
        by.pk, [message], CHANGE, change_message=text, single_object=True
    )
