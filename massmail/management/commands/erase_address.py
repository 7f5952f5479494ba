"""Erases people from the ledger by their addresses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from massmail.models.address import InvalidAddress, address_key
from massmail.models.erasure import erase


class Command(BaseCommand):
    help = (
        "Take addresses, names and words out of all mails that were sent to these "
        "addresses. They are never mailed again, whatever is imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("addresses", nargs="+", metavar="ADDRESS")

    def handle(self, *args: Any, **options: Any) -> None:
        """All are looked at first: a slip of the pen erases nobody by halves."""
        try:
            keys = [address_key(address) for address in options["addresses"]]
        except InvalidAddress as error:
            raise CommandError(str(error)) from error
        done = [erase(key, source="erased") for key in keys]
        self.stdout.write(f"{sum(one.mails for one in done)} mails were erased.")
        if left := sum(one.left for one in done):
            self.stderr.write(
                f"{left} are on their way or uncertain: run it again when they are not."
            )
