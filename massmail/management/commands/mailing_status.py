"""How a mailing stands, for people and, with --json, for scripts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from massmail.management.commands._mailing import find_mailing
from massmail.orchestrator.explain import explain
from massmail.reports.status import iso, mailing_status, recipients


class Command(BaseCommand):
    help = "Show counts, the reason for waiting and when a mailing goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mailing_id", type=int, metavar="ID")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--recipients", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        mailing = find_mailing(options["mailing_id"])
        explanation = explain(mailing)
        status = mailing_status(mailing) | {
            "reason": explanation.reason,
            "next_at": iso(explanation.next_at),
        }
        rows = recipients(mailing) if options["recipients"] else None
        if options["json"]:
            self.write_json(status, rows)
        else:
            self.write_text(status, rows)

    def write_json(self, status: dict[str, Any], rows: Any) -> None:
        """One object; the rows are written one by one, however many there are."""
        text = json.dumps(status, indent=2, ensure_ascii=False)
        if rows is None:
            self.stdout.write(text)
            return
        self.stdout.write(text.removesuffix("\n}") + ',\n  "recipients": [')
        separator = ""
        for row in rows:
            self.stdout.write(
                separator + json.dumps(row, ensure_ascii=False), ending=""
            )
            separator = ",\n"
        self.stdout.write("\n  ]\n}")

    def write_text(self, status: dict[str, Any], rows: Any) -> None:
        self.stdout.write(f"{status['name']}: {status['status_text']}")
        self.stdout.write(f"{status['reason']} {status['next_at'] or ''}".rstrip())
        for name, count in status["counts"].items():
            self.stdout.write(f"{name:>10} {count}")
        for name, count in status["returned"].items():
            if count:
                self.stdout.write(f"{name:>12} {count}")
        for row in rows or ():
            self.stdout.write(f"{row['address']}\t{row['status']}\t{row['reason']}")
