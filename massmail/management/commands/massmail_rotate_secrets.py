"""After a new key was put in front of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.rotation import rotate_secrets


class Command(BaseCommand):
    help = (
        "Encrypt all stored passwords and tokens with the first key of "
        "FIELD_ENCRYPTION_KEYS; afterwards the other keys are not needed any more."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_secrets()
        facts = {"rotated": done.rotated, "unreadable": len(done.unreadable)}
        self.stdout.write(json.dumps(facts))
        if done.unreadable:
            for secret in done.unreadable:
                self.stderr.write(secret)
            raise CommandError(
                "These secrets were encrypted with a key that is not in "
                "FIELD_ENCRYPTION_KEYS. They are kept as they are: add the key and "
                "run this again, or enter them anew."
            )
