"""All of the demo's data, and the way back to an empty database."""

from __future__ import annotations

from django.core.management import call_command

from crm.demo.accounts import load_accounts
from crm.demo.newsletter import load_newsletter, load_settings
from crm.demo.records import load_records
from crm.demo.staff import load_team
from massmail.models import EmlMessage, LibraryImage


def load_demo(
    *, contacts: int, smtp_port: int, base_url: str, company_url: str
) -> EmlMessage:
    """Fill an empty, migrated database; returns the message that is to be sent."""
    team = load_team()
    load_settings(base_url=base_url, company_url=company_url)
    load_accounts(team, smtp_port)
    load_records(team, contacts)
    return load_newsletter(team)


def empty_database() -> None:
    """Take everything away, pictures' files too; roles come back by themselves."""
    for image in LibraryImage.objects.iterator():
        image.file.delete(save=False)
    call_command("flush", interactive=False, verbosity=0)
