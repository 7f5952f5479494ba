"""Tells people and machines apart once more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from massmail.tracking.events import judge_all


class Command(BaseCommand):
    help = "Judge all stored opens and clicks anew, after the rules have changed."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{judge_all()} events were judged differently.")
