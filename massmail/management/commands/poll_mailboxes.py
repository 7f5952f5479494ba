"""Reads the accounts' mailboxes without Celery."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from massmail.inbound.mailbox_help import help_for
from massmail.models import EmailAccount
from massmail.orchestrator.polling import Poll, poll_mailbox, poll_mailboxes
from massmail.reports.status import iso


class Command(BaseCommand):
    help = (
        "Look for returned mail in the mailboxes that are due, or in that of one "
        "account; exit 1 when one cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--account", type=int, metavar="ID", help="this one, whether due or not"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        polls = self.polls(options["account"])
        accounts = EmailAccount.objects.in_bulk([poll.account_id for poll in polls])
        rows = [facts_of(poll, accounts.get(poll.account_id)) for poll in polls]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
        else:
            for row in rows:
                self.stdout.write(line_of(row))
        if any(poll.has_failed for poll in polls):
            raise CommandError("A mailbox could not be read.", returncode=1)

    def polls(self, account_id: int | None) -> list[Poll]:
        if account_id is None:
            return poll_mailboxes()
        if not EmailAccount.objects.filter(pk=account_id).exists():
            raise CommandError(f"There is no account {account_id}.")
        poll = poll_mailbox(account_id)
        if poll.state == "off":
            raise CommandError(f"Account {account_id} reads no mailbox.")
        return [poll]


def facts_of(poll: Poll, account: EmailAccount | None) -> dict[str, Any]:
    return {
        "account": poll.account_id,
        "address": account.from_email if account else "",
        "state": poll.state,
        "looked_at": poll.looked_at,
        "found": poll.kinds,
        "proved": poll.proved,
        "reason": poll.reason,
        "words": poll.words,
        "help": help_for(poll.reason),
        "next_at": iso(poll.next_at),
    }


def line_of(row: dict[str, Any]) -> str:
    begin = f"account {row['account']} <{row['address']}>: {row['state']}"
    if row["state"] != "read":
        return " ".join(filter(None, (begin, row["reason"], row["words"])))
    found = ", ".join(f"{count} {kind}" for kind, count in row["found"].items())
    parts = [f"{begin}, {row['looked_at']} new", found]
    parts.append(f"{row['proved']} proved" if row["proved"] else "")
    return ", ".join(filter(None, parts))
