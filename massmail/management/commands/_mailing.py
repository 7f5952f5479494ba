"""What the commands about one mailing share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from massmail.exceptions import MassmailError
from massmail.models import MailingOut


def find_mailing(mailing_id: int) -> MailingOut:
    """Raises CommandError for an unknown id."""
    mailing = MailingOut.objects.filter(pk=mailing_id).first()
    if mailing is None:
        raise CommandError(f"There is no mailing {mailing_id}.")
    return mailing


def find_user(username: str) -> Any:
    """Raises CommandError for an unknown name."""
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
    if user is None:
        raise CommandError(f"There is no user {username}.")
    return user


class LifecycleCommand(BaseCommand):
    """Subclasses name the action; it makes the same checks as the button."""

    action: Callable[..., MailingOut]
    done: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mailing_id", type=int, metavar="ID")
        parser.add_argument("--by", required=True, metavar="USER", help="who does it")

    def handle(self, *args: Any, **options: Any) -> None:
        mailing = find_mailing(options["mailing_id"])
        by = find_user(options["by"])
        try:
            type(self).action(mailing, by=by)
        except MassmailError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Mailing {mailing.pk} {self.done}.")
