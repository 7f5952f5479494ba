"""System checks: what a deployment has wrong, before the first mailing shows it."""

from massmail.checks.database import check_database, check_one_database, check_vendor
from massmail.checks.pages import check_editor, check_public_pages
from massmail.checks.project import NEEDED_APPS, check_project
from massmail.checks.providers import check_oauth, check_provider_names
from massmail.checks.recipients import check_mixins, check_sources
from massmail.checks.settings import check_addresses, check_ehlo_name, check_settings

__all__ = [
    "NEEDED_APPS",
    "check_addresses",
    "check_database",
    "check_editor",
    "check_ehlo_name",
    "check_mixins",
    "check_oauth",
    "check_one_database",
    "check_project",
    "check_provider_names",
    "check_public_pages",
    "check_settings",
    "check_sources",
    "check_vendor",
]
