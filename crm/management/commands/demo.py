"""The main job on real input, in one command."""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from crm.demo.catcher.store import MailReader, empty_store
from crm.demo.loading import empty_database, load_demo
from crm.demo.processes import HOST, Children, is_free
from crm.demo.progress import Progress, watch
from crm.demo.staff import COLLEAGUES, PASSWORD, is_demo_database
from crm.demo.summary import Summary, summarize
from crm.models import Contact
from massmail.audience.snapshot import create_mailing
from massmail.models import MailingOut
from massmail.orchestrator.lifecycle import launch

WATCH_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Load demo data, send a newsletter to a mail catcher on this machine and "
        "serve the site until Ctrl-C. Nothing leaves the machine."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the summary")
        parser.add_argument("--contacts", type=int, default=300, metavar="N")
        parser.add_argument("--port", type=int, default=8000, help="of the web site")
        parser.add_argument(
            "--smtp-port", type=int, default=2525, help="of the mail catcher"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.once, self.contacts = options["once"], options["contacts"]
        self.port, self.smtp_port = options["port"], options["smtp_port"]
        self.require_a_place()
        # A DEBUG process keeps the text of every query, here of 100,000 rows.
        settings.DEBUG = False
        self.prepare_database()
        empty_store(self.catcher_directory)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        with Children(Path(settings.VAR_DIR) / "log") as children:
            try:
                self.run(children)
            except KeyboardInterrupt as interrupt:
                self.stdout.write("\nStopping.")
                if self.once:
                    raise CommandError("Stopped before the end.") from interrupt

    @property
    def catcher_directory(self) -> Path:
        # Of the development settings, which mypy does not read.
        return Path(settings.DEMO_CATCHER_DIR)  # type: ignore[misc]

    @property
    def site(self) -> str:
        return f"http://{HOST}:{self.port}"

    def require_a_place(self) -> None:
        """Everything that can be refused is, before anything is touched."""
        if not getattr(settings, "DEMO_CATCHER", False):
            raise CommandError(
                "The demo replaces the data of its database: it runs with "
                "settings.environments.development only."
            )
        if self.contacts < 1:
            raise CommandError("--contacts must be 1 or more.")
        needed = [("--smtp-port", self.smtp_port)]
        if not self.once:
            needed.append(("--port", self.port))
        for option, port in needed:
            if not is_free(port):
                raise CommandError(
                    f"Port {port} is taken. Is another demo running? "
                    f"Choose a free one with {option}."
                )

    def prepare_database(self) -> None:
        self.say("Preparing the database")
        call_command("migrate", interactive=False, verbosity=0)
        if not is_demo_database():
            raise CommandError(
                f"The database {connection.settings_dict['NAME']} holds more than the "
                "demo's data, which a demo would delete. Move it away, or name another "
                "one: DATABASE_URL=sqlite:///var/demo.sqlite3"
            )
        empty_database()

    def run(self, children: Children) -> None:
        children.start(
            "catcher",
            str(self.catcher_directory),
            str(self.smtp_port),
            port=self.smtp_port,
        )
        mailing = self.launch_mailing()
        if not self.once:
            children.start("site", str(self.port), port=self.port)
        children.start("sender")
        summary = self.follow(mailing, children)
        if self.once:
            self.require_success(summary)
        else:
            self.invite()
            wait_for_ctrl_c(children)

    def launch_mailing(self) -> MailingOut:
        self.say(f"Loading companies, leads and {self.contacts} contacts")
        message = load_demo(
            contacts=self.contacts,
            smtp_port=self.smtp_port,
            base_url=self.site,
            company_url=f"{self.site}/company/",
        )
        self.say("Choosing recipients and launching the mailing")
        mailing = create_mailing(
            owner=message.owner,
            message=message,
            recipients=Contact.objects.all(),
            name="The spring letter",
        )
        return launch(mailing, by=message.owner)

    def follow(self, mailing: MailingOut, children: Children) -> Summary:
        """Show the progress, then the summary."""
        self.say(f"Sending to {HOST}:{self.smtp_port}")
        # Not self.stderr, which ends whatever it is given with a line break.
        progress = Progress(sys.stderr, mailing.recipients_count)
        halted = watch(mailing, progress, children.require_running)
        if halted:
            self.stderr.write(f"The mailing does not go on: {halted}")
        summary = summarize(mailing, MailReader(self.catcher_directory))
        self.stdout.write("")
        for line in summary.lines():
            self.stdout.write(line)
        for problem in summary.problems:
            self.stderr.write(problem)
        if not summary.problems:
            self.say("The catcher holds exactly the sent mails; the ledger is clean.")
        return summary

    def require_success(self, summary: Summary) -> None:
        if summary.problems:
            raise CommandError("The demo has not done its job.")

    def invite(self) -> None:
        """Where to go on, and as whom."""
        connection.close()
        self.stdout.write(f"\nThe site    {self.site}/")
        self.stdout.write(f"The mails   {self.site}/catcher/")
        self.stdout.write(f'\nLog in with the password "{PASSWORD}" as')
        for colleague in COLLEAGUES:
            self.stdout.write(f"  {colleague.username:<10}{colleague.does}")
        self.stdout.write(
            "\nOpen a mail, follow its link to unsubscribe: no later mailing reaches "
            "that person.\nCtrl-C ends the demo."
        )
        self.stdout.flush()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def end(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does, also where a shell ignores Ctrl-C."""
    raise KeyboardInterrupt


def wait_for_ctrl_c(children: Children) -> None:
    while True:
        children.require_running()
        time.sleep(WATCH_SECONDS)
