"""The demo's site, with its data and its catcher, as the browser finds it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from django.contrib.auth import get_user_model

from crm.demo.awkward import trouble_of
from crm.demo.catcher.reading import ReadableMail
from crm.demo.catcher.store import MailReader
from crm.demo.loading import load_demo
from crm.demo.processes import HOST, Children
from crm.demo.records import VIP_NUMBERS
from crm.models import Contact
from massmail.models import MailingOut
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.recipients import registry
from massmail.tests.mailings import send_all

CONTACTS = 120


@dataclass(frozen=True)
class DemoSite:
    """`url` is where it is served, `mails` what its catcher has got."""

    url: str
    mails: MailReader

    @property
    def anna(self) -> Any:
        """The manager who sends."""
        return get_user_model()._default_manager.get(username="anna")

    @property
    def mailing(self) -> MailingOut:
        """The one that was made last."""
        return MailingOut.objects.latest("pk")

    def send(self) -> int:
        """What the sender does until nothing is due; the number of rows that moved."""
        return send_all()

    def send_from_one_account(self) -> int:
        """A part of what `send` does."""
        return send_account_queue(walk_account_queues()[0]).handled

    def readers(self, count: int) -> list[Contact]:
        """Contacts of Anna who can be mailed, from the top of their list."""
        contacts = list(enumerate(Contact.objects.order_by("pk")))
        ordinary = [
            contact
            for number, contact in reversed(contacts)
            if trouble_of(number) is None and number not in VIP_NUMBERS
        ]
        return ordinary[:count]

    def mail_to(self, address: str) -> ReadableMail:
        """The last one that the address got."""
        [mail] = self.mails.page(search=address, offset=0, limit=1)
        return ReadableMail(self.mails.raw(mail))


@contextmanager
def demo_site(
    url: str, directory: Path, *, contacts: int = CONTACTS
) -> Iterator[DemoSite]:
    """Fills an empty database; `directory` is for what the catcher gets."""
    port = free_port()
    with without_test_app(), Children(directory / "log") as children:
        children.start("catcher", str(directory), str(port), port=port)
        load_demo(
            contacts=contacts,
            smtp_port=port,
            base_url=url,
            company_url=f"{url}/company/",
        )
        # The recipients' pages speak the browser's language then.
        Contact.objects.update(language="")
        yield DemoSite(url, MailReader(directory))


@contextmanager
def without_test_app() -> Iterator[None]:
    """The pages offer the CRM's records alone, not those of massmail's own tests."""
    with mock.patch.dict(registry._sources):
        for source in registry.sources():
            if source.model._meta.app_label != "crm":
                registry.unregister(source.model)
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
