"""Verifies the promises on the whole database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from massmail.reports.ledger import CHECKS, check_ledger


class Command(BaseCommand):
    help = "Check that nothing was mailed twice or lost; exit 1 with the broken rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = [asdict(found) for found in check_ledger(timezone.now())]
        if options["json"]:
            report = {"ok": not broken, "checks": len(CHECKS), "broken": broken}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self.write_text(broken)
        if broken:
            raise CommandError("The ledger is broken.", returncode=1)

    def write_text(self, broken: list[dict[str, Any]]) -> None:
        for found in broken:
            self.stdout.write(
                f"{found['promise']}: {found['check']} {found['count']} {found['rows']}"
            )
        if not broken:
            self.stdout.write(f"The ledger is clean: {len(CHECKS)} checks.")
