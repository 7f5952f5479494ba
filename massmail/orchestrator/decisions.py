"""What each decision about a mailing needs: a right, one conditional change, a log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import MailingOut
from massmail.recipients.access import access_policy


def require(by: Any, action: str, mailing: MailingOut) -> None:
    if not access_policy().may(by, action, mailing):
        raise NotAllowed(_("You may not do this with this mailing."))


def change(
    mailing: MailingOut,
    by: Any,
    word: str,
    allowed: Q,
    refusal: str,
    **values: Any,
) -> None:
    """One conditional UPDATE and its log entry; raises WrongState."""
    with transaction.atomic():
        if not MailingOut.objects.filter(allowed, pk=mailing.pk).update(**values):
            raise WrongState(refusal)
        log(mailing, by, word)
    mailing.refresh_from_db()


def log(mailing: MailingOut, by: Any, word: str) -> None:
    """The mailing's history is the admin's own."""
    LogEntry.objects.log_actions(
        by.pk, [mailing], CHANGE, change_message=word, single_object=True
    )
