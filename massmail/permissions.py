"""Promise 3 in one place: may this delivery be mailed, and may this account mail it?

The same conditions serve when recipients are added, at launch, and in the UPDATE
that precedes each hand-over, so the three can never disagree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat, Trim
from django.db.models.sql.where import WhereNode

from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    SuppressedAddress,
    TargetListMember,
)
from massmail.models.email_account import EmailAccountQuerySet
from massmail.models.mailing_out import ListKeys, sending_condition
from massmail.models.prepared import OfFoundRows
from massmail.recipients.registry import source_for
from massmail.recipients.source import object_id_as_pk

TEXT = TextField()

# Exclusions of a host that have their own word in the ledger.
NAMED_EXCLUSIONS = {
    "opted_out": Delivery.SkipReason.OPTED_OUT,
    "disqualified": Delivery.SkipReason.DISQUALIFIED,
}


class ExistsForEach(Exists):
    """Looked up row by row, where few rows are asked of big tables.

    In a CASE, PostgreSQL would rather read the whole table once for each statement: a
    chunk would cost what the host's table does.
    """

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXISTS(%(subquery)s OFFSET 0)"
        return self.as_sql(compiler, connection, template=template, **context)


def asked_of_found(records: QuerySet) -> QuerySet:
    """The same records, to be found by their key alone.

    Where many have just come in, PostgreSQL believes that their owner has none, and
    would read all of them for each recipient to find one.
    """
    query = records.query
    if query.where.contains_aggregate or query.where.contains_over_clause:
        return records
    if not query.where or query.combinator:
        return records
    found = records.all()
    conditions: Any = OfFoundRows(query.where.clone())
    found.query.where = WhereNode([conditions])
    return found


def recipient_blockers(
    mailing: MailingOut, exists: type[Exists] = Exists
) -> Iterator[tuple[str, Q]]:
    """(reason to skip, condition on the mailing's deliveries), in order of weight."""
    source = source_for(mailing.content_type)
    pk = object_id_as_pk(source.model, OuterRef("object_id"))

    def in_host(queryset: QuerySet) -> Exists:
        return exists(asked_of_found(queryset).filter(pk=pk))

    everyone = source.model._base_manager.all()
    yield Delivery.SkipReason.RECIPIENT_DELETED, Q(~in_host(everyone))
    yield from suppression_blockers(exists)
    yield from list_blockers(mailing.list_keys(), exists)
    yield Delivery.SkipReason.OPTED_OUT, Q(exists(unsubscribed_identities()))
    yield (
        Delivery.SkipReason.NOT_ASSIGNED,
        Q(~in_host(source.records_for(mailing.owner))),
    )
    for name, condition in source.exclusions.items():
        reason = NAMED_EXCLUSIONS.get(name, Delivery.SkipReason.EXCLUDED)
        yield reason, Q(in_host(everyone.filter(condition)))


def first_reason(
    mailing: MailingOut,
    more: Iterable[tuple[str, Q]] = (),
    exists: type[Exists] = Exists,
) -> Case:
    """Why a delivery must not be mailed, or "", as a column of one query.

    `more` are conditions that come after those on the recipient. Against most people
    nothing speaks: that is asked first, with half of the look-ups.
    """
    speak = [*recipient_blockers(mailing, exists), *more]
    clear = is_clear(mailing, exists)
    for _reason, condition in more:
        clear &= ~condition
    whens = [When(condition, then=Value(reason)) for reason, condition in speak]
    return Case(
        When(clear, then=Value("")),
        *whens,
        default=Value(""),
        output_field=CharField(),
    )


def is_clear(mailing: MailingOut, exists: type[Exists] = Exists) -> Q:
    """None of `recipient_blockers` holds, in few look-ups.

    May be false where none holds (a condition without an answer), never the reverse.
    """
    source = source_for(mailing.content_type)
    records = source.records_for(mailing.owner)
    for condition in source.exclusions.values():
        # An empty one holds for everybody, and `exclude` would leave out nobody.
        records = records.exclude(condition) if condition else records.none()
    pk = object_id_as_pk(source.model, OuterRef("object_id"))
    clear = (
        Q(exists(asked_of_found(records).filter(pk=pk)))
        & ~Q(exists(suppressed_address()))
        & ~Q(exists(suppressed_domains()))
        & ~Q(exists(unsubscribed_identities()))
    )
    everyone = source.model._base_manager.all()
    if everyone.query.where:
        # The host hides some of its records, but maybe not from who may mail them.
        clear &= Q(exists(asked_of_found(everyone).filter(pk=pk)))
    for _reason, condition in list_blockers(mailing.list_keys(), exists):
        clear &= ~condition
    return clear


def list_blockers(
    keys: ListKeys, exists: type[Exists] = Exists
) -> Iterator[tuple[str, Q]]:
    """Who left one of the mailing's target lists, or is in one that it leaves out.

    Nothing for a mailing without lists: it costs no look-up then.
    """
    if keys.included:
        left = SuppressedAddress.objects.filter(
            target_list__in=keys.included, address_key=OuterRef("address_key")
        )
        # Also by an address that the record had before, as the ledger remembers.
        mailed = mailed_records().filter(Exists(left))
        yield Delivery.SkipReason.OPTED_OUT, Q(exists(left)) | Q(exists(mailed))
    if keys.excluded:
        member = TargetListMember.objects.filter(
            target_list__in=keys.excluded,
            content_type_id=OuterRef("content_type_id"),
            object_id=OuterRef("object_id"),
        )
        yield Delivery.SkipReason.EXCLUDED, Q(exists(member))


def mailed_records() -> QuerySet[Delivery]:
    """What any mailing has for the delivery's record."""
    return Delivery.objects.filter(
        mailing__isnull=False,
        content_type_id=OuterRef("content_type_id"),
        object_id=OuterRef("object_id"),
    )


def suppression_blockers(
    exists: type[Exists] = Exists,
) -> Iterator[tuple[str, Q]]:
    """Addresses and domains on the don't-mail list.

    Who opted out may ask to come back: the mail in which that is confirmed reaches
    them, and nothing else does.
    """
    by_address = suppressed_address()
    opt_out = by_address.filter(reason=SuppressedAddress.Reason.OPTED_OUT)
    otherwise = by_address.exclude(reason=SuppressedAddress.Reason.OPTED_OUT)
    has_address = ~Q(address_key="")
    is_list_mail = has_address & ~Q(kind=Delivery.Kind.CONFIRMATION)
    yield Delivery.SkipReason.OPTED_OUT, is_list_mail & Q(exists(opt_out))
    yield Delivery.SkipReason.SUPPRESSED, has_address & Q(exists(otherwise))
    yield Delivery.SkipReason.SUPPRESSED, has_address & Q(exists(suppressed_domains()))


def suppressed_address() -> QuerySet[SuppressedAddress]:
    """The list's row for the delivery's address; rows for one target list aside.

    That it is not blank is said again, for the list's index to serve.
    """
    return SuppressedAddress.objects.for_all().filter(
        ~Q(address_key=""), address_key=OuterRef("address_key")
    )


def suppressed_domains() -> QuerySet[SuppressedAddress]:
    """List rows whose domain is the delivery's or stands above it."""
    rows = SuppressedAddress.objects.exclude(domain="")
    below = rows.alias(
        theirs=Concat(
            Value("."), ExpressionWrapper(OuterRef("address_domain"), CharField())
        ),
        mine=Concat(Value("."), F("domain")),
    )
    return below.filter(theirs__endswith=F("mine"))


def unsubscribed_identities() -> QuerySet[MassContact]:
    return MassContact.objects.filter(
        content_type_id=OuterRef("content_type_id"),
        object_id=OuterRef("object_id"),
        subscribed=False,
    )


def may_be_mailed(mailing: MailingOut, now: dt.datetime) -> Q:
    """The recheck inside the `sending` UPDATE: who, by whom and right now."""
    condition = mailing_is_sending(mailing, now) & Q(
        account_may_send_for(mailing.owner_id, now)
    )
    for _reason, blocker in recipient_blockers(mailing):
        condition &= ~blocker
    return condition


def may_be_mailed_through(account_id: int, mailing: MailingOut, now: dt.datetime) -> Q:
    """`may_be_mailed` in fewer look-ups, for rows that one account is about to mail.

    The account is asked once for all of them. What this refuses may still be allowed
    (see `is_clear`), never the reverse.
    """
    account = EmailAccount.objects.ready(now).filter(pk=account_id)
    is_main = Exists(account.filter(main_account(mailing.owner_id)))
    is_other = Exists(account.filter(mass_mail_accounts(mailing.owner_id)))
    vip = Exists(vip_identities())
    return (
        mailing_is_sending(mailing, now)
        & Q(email_account_id=account_id)
        & ((Q(is_main) & Q(vip)) | (Q(is_other) & ~Q(vip)))
        & is_clear(mailing)
    )


def vip_identities() -> QuerySet[MassContact]:
    return MassContact.objects.filter(
        content_type_id=OuterRef("content_type_id"),
        object_id=OuterRef("object_id"),
        is_vip=True,
    )


def may_be_mailed_alone(now: dt.datetime) -> Q:
    """The recheck for mail without a mailing (tests, alerts): list and account."""
    condition = Q(Exists(ready_accounts(now)))
    for _reason, blocker in suppression_blockers():
        condition &= ~blocker
    return condition


def mailing_is_sending(mailing: MailingOut, now: dt.datetime) -> Q:
    """The row is this mailing's, which is asked once for all rows of a statement."""
    # Who owns it decides who may be mailed, and may have changed since it was read.
    running = MailingOut.objects.filter(
        sending_condition(now), pk=mailing.pk, owner=mailing.owner_id
    )
    return Q(Exists(running), mailing_id=mailing.pk)


def account_may_send_for(owner_id: Any, now: dt.datetime) -> Exists:
    """The row's account is the right one, and ready."""
    return Exists(right_accounts(owner_id).ready(now))


def has_wrong_account(mailing: MailingOut) -> Q:
    """Rows that wait for an account which may not mail them, ready or not."""
    return ~Q(Exists(right_accounts(mailing.owner_id)))


def right_accounts(owner_id: Any) -> EmailAccountQuerySet:
    """The row's account, if through it this owner's mailing may reach the recipient."""
    vip = Exists(
        MassContact.objects.filter(
            content_type_id=OuterRef(OuterRef("content_type_id")),
            object_id=OuterRef(OuterRef("object_id")),
            is_vip=True,
        )
    )
    right_one = (Q(vip) & main_account(owner_id)) | (
        ~Q(vip) & mass_mail_accounts(owner_id)
    )
    return EmailAccount.objects.filter(right_one, pk=OuterRef("email_account_id"))


def main_account(owner_id: Any) -> Q:
    """VIP recipients are mailed from the owner's main account, nobody else is."""
    return Q(owner_id=owner_id, is_main=True)


def mass_mail_accounts(owner_id: Any) -> Q:
    """Accounts for everybody who is no VIP: the owner's and the co-owned ones."""
    mine = Q(owner_id=owner_id) | Q(co_owner_id=owner_id)
    return mine & Q(is_main=False, for_massmail=True)


def ready_accounts(now: dt.datetime) -> QuerySet[EmailAccount]:
    return EmailAccount.objects.ready(now).filter(pk=OuterRef("email_account_id"))


def skip_reason(mailing: MailingOut | None, delivery_id: int) -> str:
    """Why a row must not be mailed now; "" when it is not the recipient's matter."""
    row = Delivery.objects.filter(pk=delivery_id)
    blockers = recipient_blockers(mailing) if mailing else suppression_blockers()
    for reason, blocker in blockers:
        if row.filter(blocker).exists():
            return reason
    return ""


def without_value(mailing: MailingOut, path: str, exists: type[Exists] = Exists) -> Q:
    """Deliveries whose record has nothing, or only blanks, at an ORM path."""
    source = source_for(mailing.content_type)
    records = source.model._base_manager.filter(
        pk=object_id_as_pk(source.model, OuterRef("object_id"))
    ).alias(text=Trim(Cast(F(path), TEXT)))
    return Q(exists(records.filter(Q(text=None) | Q(text=""))))
