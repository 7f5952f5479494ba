"""Contacts as they are in real life: of each hundred some cannot be mailed.

Each tenth of a hundred has at most one that is not mailed, and not as its first, so
that of any number of contacts at least 90 % are mailable.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from crm.models import Contact


class Trouble(StrEnum):
    """What is wrong with a contact, or only strange."""

    NO_ADDRESS = "no address"
    BROKEN_ADDRESS = "broken address"
    SHARED_ADDRESS = "shared address"
    OPTED_OUT = "opted out"
    DISQUALIFIED = "disqualified"
    COLLEAGUES = "colleague's"
    SUPPRESSED = "on the don't-mail list"
    TEMPLATE_NAME = "a name like a template"
    SCRIPT_NAME = "a name like a script"
    LONG_NAME = "a name of 200 letters"


TROUBLE_OF_A_HUNDRED = {
    4: Trouble.TEMPLATE_NAME,
    9: Trouble.NO_ADDRESS,
    14: Trouble.SCRIPT_NAME,
    19: Trouble.BROKEN_ADDRESS,
    24: Trouble.LONG_NAME,
    29: Trouble.SHARED_ADDRESS,
    39: Trouble.OPTED_OUT,
    49: Trouble.DISQUALIFIED,
    59: Trouble.COLLEAGUES,
    69: Trouble.SUPPRESSED,
    79: Trouble.COLLEAGUES,
}
MAILABLE = (Trouble.TEMPLATE_NAME, Trouble.SCRIPT_NAME, Trouble.LONG_NAME)

BROKEN_FORMS = ("{local} at {domain}", "{local}@", "{local}@@{domain}", "{local}@-x-")


def trouble_of(number: int) -> Trouble | None:
    """What is wrong with the contact of this number, if anything."""
    return TROUBLE_OF_A_HUNDRED.get(number % 100)


def broken_address(number: int, local: str, domain: str) -> str:
    form = BROKEN_FORMS[number // 100 % len(BROKEN_FORMS)]
    return form.format(local=local, domain=domain)


def make_template_name(contact: Contact) -> None:
    contact.first_name = "{{ unsubscribe_url }}"


def make_script_name(contact: Contact) -> None:
    contact.first_name = '<script>alert("Hi")</script>'


def make_long_name(contact: Contact) -> None:
    contact.first_name = ("Wolfeschlegelstein" * 6)[:100]
    contact.last_name = ("Hausenbergerdorff" * 6)[:99]


def disqualify(contact: Contact) -> None:
    contact.disqualified = True


def opt_out(contact: Contact) -> None:
    contact.accepts_mailings = False


def forget_address(contact: Contact) -> None:
    contact.email = ""


SPOILERS: dict[Trouble, Callable[[Contact], None]] = {
    Trouble.TEMPLATE_NAME: make_template_name,
    Trouble.SCRIPT_NAME: make_script_name,
    Trouble.LONG_NAME: make_long_name,
    Trouble.DISQUALIFIED: disqualify,
    Trouble.OPTED_OUT: opt_out,
    Trouble.NO_ADDRESS: forget_address,
}
