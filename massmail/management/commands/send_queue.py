"""The sender without Celery."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from massmail.orchestrator.report import SendReport
from massmail.orchestrator.sender import Sender


@contextmanager
def stopped_by_signals(sender: Sender) -> Iterator[None]:
    """Ctrl-C and SIGTERM let messages in flight end; afterwards they mean what they
    meant before. A thread of another program is stopped by that program."""

    def stop(number: int, frame: FrameType | None) -> None:
        sender.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Command(BaseCommand):
    help = "Walk the accounts' queues and send, until stopped by Ctrl-C or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="end when nothing is due now"
        )
        parser.add_argument(
            "--lanes", type=int, metavar="N", help="connections of this process at most"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["lanes"] is not None and options["lanes"] < 1:
            raise CommandError("--lanes must be 1 or more.")
        sender = Sender(lanes=options["lanes"], on_report=self.show)
        with stopped_by_signals(sender):
            sender.run(once=options["once"])

    def show(self, report: SendReport) -> None:
        if report.handled or report.stopped_because:
            self.stderr.write(str(report))
