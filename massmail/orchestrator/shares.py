"""Which account mails how many of those who still wait for a mailing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, Exists, OuterRef, QuerySet

from massmail.models import Delivery, EmailAccount, MailingOut, MassContact
from massmail.permissions import main_account, mass_mail_accounts

OPEN = (
    Delivery.Status.QUEUED,
    Delivery.Status.CLAIMED,
    Delivery.Status.SENDING,
)


def waiting_by_account(mailing: MailingOut) -> Counter[int]:
    """Open rows by the account that has them, or will get them at launch."""
    rows = mailing.deliveries.filter(status__in=OPEN).order_by()
    if mailing.launched_at is None:
        return planned_shares(mailing, rows)
    assigned = rows.exclude(email_account=None).values_list("email_account")
    shares = Counter(dict(assigned.annotate(count=Count("pk"))))
    return shares + planned_shares(mailing, rows.filter(email_account=None))


def planned_shares(mailing: MailingOut, rows: QuerySet[Delivery]) -> Counter[int]:
    """The assignment of these rows that a launch would make now."""
    identity = MassContact.objects.filter(pk=OuterRef("mass_contact_id"))
    vip = Exists(identity.filter(is_vip=True))
    shares: Counter[int] = Counter()
    main = EmailAccount.objects.filter(main_account(mailing.owner_id)).first()
    if main:
        shares[main.pk] += rows.filter(vip).count()
    accounts = EmailAccount.objects.filter(mass_mail_accounts(mailing.owner_id))
    others = rows.filter(~vip)
    bound = others.filter(mass_contact__email_account__in=accounts)
    bound_counts = bound.values_list("mass_contact__email_account")
    shares.update(dict(bound_counts.annotate(count=Count("pk"))))
    return shares + in_turn(others.count() - bound.count(), accounts)


def in_turn(rows: int, accounts: Iterable[EmailAccount]) -> Counter[int]:
    everybody = list(accounts)
    working = [a for a in everybody if a.state != EmailAccount.State.STOPPED]
    takers = working or everybody
    return Counter(
        {
            account.pk: len(range(position, rows, len(takers)))
            for position, account in enumerate(takers)
        }
    )
