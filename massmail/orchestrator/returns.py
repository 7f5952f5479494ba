"""What comes back by mail: the one entrance for a pipe and for mailboxes.

Nothing here trusts the sender of a mail. A report counts only when it names a mail of
ours by what its readers alone have seen: its Message-ID, of 128 random bits, or the
token of its link to unsubscribe. So who forges one must have got our mail, and can do
what he could do by its links: take his own address off, have his own row say that it
came back, answered or complained. He can also make a mailing wait for its owner, with
a false word about the sender's domain; a person resumes it. No other recipient's row
and no other address is ever touched.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from massmail import tokens
from massmail.inbound.identifiers import senders
from massmail.inbound.kinds import ReturnKind, kind_of
from massmail.inbound.lookup import copied_delivery, delivery_of, keys_of, tokens_of
from massmail.inbound.parser import Mail, parse
from massmail.inbound.processing import NothingNew
from massmail.models import Delivery, EmailAccount
from massmail.models.proof import prove_arrival
from massmail.orchestrator.return_effects import (
    NOT_FOR_RECIPIENTS,
    WRITERS,
    Received,
)
from massmail.patience import DATABASE_AWAY, once_more
from massmail.tracking.complaints import SOURCE, stop_mailing_to
from massmail.tracking.mail_requests import unsubscribe_by_mail, who_asks
from massmail.tracking.public_links import UNSUBSCRIBE
from massmail.tracking.responses import Responder, unsubscribe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail was, which deliveries it is about, whether anything was learned.

    `detail` says in English why a mail is UNKNOWN, for logs.
    """

    kind: ReturnKind
    delivery_ids: tuple[int, ...] = ()
    is_news: bool = False
    detail: str = ""


def receive(
    raw: bytes, *, now: dt.datetime, account: EmailAccount | None = None
) -> Returned:
    """Understand a mail and write down what follows from it.

    `account` is the one whose mailbox it was found in. Never raises, whatever the
    bytes, except what a database raises that is away (`patience.DATABASE_AWAY`): then
    nothing was written, and the mail is to be handed in again. Idempotent: the same
    mail received again, or by two at once, changes nothing more; only a wish to leave
    that is read again after its writer has subscribed again counts once more.
    """
    try:
        mail = parse(raw)
        if mail.problem:
            return Returned(ReturnKind.UNKNOWN, detail=mail.problem)
        return once_more(lambda: taken_in(mail, raw, now, account))
    except DATABASE_AWAY:
        raise
    except Exception:
        # The next mail of the mailbox is not to suffer from this one.
        logger.exception("A mail that came back could not be processed")
        return Returned(ReturnKind.UNKNOWN, detail="an error; see the log")


def taken_in(
    mail: Mail, raw: bytes, now: dt.datetime, account: EmailAccount | None
) -> Returned:
    kind = kind_of(mail)
    if kind in (ReturnKind.REPLY, ReturnKind.AUTO_REPLY):
        if request := leaving_by_mail(mail, now):
            return request
        if copied := copied_delivery(mail):
            return proved(ReturnKind.RECEIPT, copied, now)
    delivery = delivery_of(mail, kind, purpose=UNSUBSCRIBE)
    if delivery is None:
        return about_a_lost_row(mail, kind, now)
    if kind in (ReturnKind.DELAY, ReturnKind.RECEIPT):
        return proved(kind, delivery, now)
    if kind == ReturnKind.UNSUBSCRIBE:
        if delivery.kind in NOT_FOR_RECIPIENTS:
            return proved(kind, delivery, now)
        return left(delivery.pk, delivery.address_key, now)
    if kind == ReturnKind.REPLY and is_our_own(mail, delivery, account):
        return Returned(ReturnKind.UNKNOWN, detail="written by the sender himself")
    return written(kind, Received(mail, raw, delivery, now))


def written(kind: ReturnKind, received: Received) -> Returned:
    """In one transaction; nothing of it where another has written the same before."""
    delivery_ids = (received.delivery.pk,)
    try:
        with transaction.atomic():
            WRITERS[kind](received)
    except NothingNew:
        return Returned(kind, delivery_ids)
    return Returned(kind, delivery_ids, is_news=True)


def leaving_by_mail(mail: Mail, now: dt.datetime) -> Returned | None:
    subject = mail.fields.get("subject")
    try:
        person = who_asks(subject)
    except tokens.InvalidToken:
        return None
    is_news = not person.has_opted_out
    unsubscribe_by_mail(subject, now=now)
    return Returned(ReturnKind.UNSUBSCRIBE, ids_of(person), is_news)


def left(delivery_id: int, address_key: str, now: dt.datetime) -> Returned:
    """A provider's button to unsubscribe, reported as a wish to leave."""
    person = Responder(address_key, delivery_id)
    is_news = not person.has_opted_out
    token = tokens.make(UNSUBSCRIBE, delivery_id=delivery_id, address_key=address_key)
    unsubscribe(token, now=now, source=SOURCE)
    return Returned(ReturnKind.UNSUBSCRIBE, ids_of(person), is_news)


def ids_of(person: Responder) -> tuple[int, ...]:
    return (person.delivery.pk,) if person.delivery else ()


def about_a_lost_row(mail: Mail, kind: ReturnKind, now: dt.datetime) -> Returned:
    """A wish holds when every row is gone: the token names the address, too."""
    for token in tokens_of(mail, UNSUBSCRIBE):
        if kind == ReturnKind.UNSUBSCRIBE:
            return left(token.delivery_id, token.address_key, now)
        if kind == ReturnKind.COMPLAINT:
            with transaction.atomic():
                stop_mailing_to(Responder(token.address_key))
            return Returned(kind)
    return Returned(ReturnKind.UNKNOWN, detail="it is about no mail of ours")


def proved(kind: ReturnKind, delivery: Delivery, now: dt.datetime) -> Returned:
    """A server or a program has it, and that is all."""
    with transaction.atomic():
        is_news = prove_arrival(delivery.pk, now=now, detail=f"mail: {kind}")
    return Returned(kind, (delivery.pk,), is_news)


def is_our_own(mail: Mail, delivery: Delivery, account: EmailAccount | None) -> bool:
    """The manager goes on with the thread, or the mailbox keeps what he wrote."""
    accounts = [one for one in (delivery.email_account, account) if one]
    ours = {
        one for account in accounts for one in (account.from_email, account.reply_to)
    }
    keys = keys_of(senders(mail))
    if not keys_of(ours).isdisjoint(keys):
        return True
    return delivery.address_key not in keys and is_a_colleagues(mail)


def is_a_colleagues(mail: Mail) -> bool:
    """Whoever has an account here and answers in the thread is no recipient."""
    wanted = Q()
    for address in senders(mail):
        wanted |= Q(from_email__iexact=address) | Q(reply_to__iexact=address)
    return bool(wanted) and EmailAccount.objects.filter(wanted).exists()
