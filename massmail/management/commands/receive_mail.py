"""A pipe for mail servers: one mail that came back, on stdin."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from massmail.inbound.mime import MOST_BYTES
from massmail.models import EmailAccount
from massmail.orchestrator.returns import Returned, receive
from massmail.patience import DATABASE_AWAY

# Of sysexits.h: the mail server keeps the mail and tries again.
TEMPORARY_FAILURE = os.EX_TEMPFAIL


class Command(BaseCommand):
    help = (
        "Take in a mail that came back (a bounce, a complaint, an answer) from stdin. "
        "Says in JSON what it was; exits with 75 when it is to be handed in again."
    )
    # Each mail starts a process: it is checked when the site is deployed.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--account",
            type=int,
            metavar="ID",
            help="the email account in whose mailbox it was found",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        raw = whole(sys.stdin.buffer)
        try:
            returned = self.take_in(raw, options["account"])
        except DATABASE_AWAY as error:
            raise CommandError(
                f"The database does not answer: {error}", returncode=TEMPORARY_FAILURE
            ) from error
        self.stdout.write(json.dumps(asdict(returned)))

    def take_in(self, raw: bytes, account_id: int | None) -> Returned:
        account = None
        if account_id is not None:
            account = EmailAccount.objects.filter(pk=account_id).first()
            if account is None:
                # A slip of the pen must not cost a mail.
                raise CommandError(
                    f"There is no email account {account_id}.",
                    returncode=TEMPORARY_FAILURE,
                )
        return receive(raw, now=timezone.now(), account=account)


def whole(stream: BinaryIO) -> bytes:
    """All that is worth reading; what is more is read all the same, or the mail server
    would take the broken pipe for a failure."""
    raw = stream.read(MOST_BYTES + 1)
    while stream.read(2**20):
        pass
    return raw
