"""Others at the same work, each in a process of its own.

    python -m benchmarks.peers NAME --database URL --port N --messages N

Runs where the packages of requirements/bench.in are; massmail need not be there. Prints
one line of JSON. Messages are rendered and put into the peer's queue before the time
begins, except for the plain loop, which has no queue.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

import environ

from benchmarks import newsletter

SENDER = "news@example.com"
QUEUES = {"django-mailer": "mailer", "django-post_office": "post_office"}


def measure() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=[*QUEUES, "plain loop"])
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    options = parser.parse_args()
    set_up(options.name, options.database, options.port)
    send = {
        "django-mailer": send_by_mailer,
        "django-post_office": send_by_post_office,
        "plain loop": send_in_a_loop,
    }[options.name]
    print(json.dumps(send(options.messages)))


def set_up(name: str, database: str, port: int) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        SECRET_KEY="benchmark",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            *filter(None, [QUEUES.get(name)]),
        ],
        DATABASES={"default": environ.Env.db_url_config(database)},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        MAILER_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        POST_OFFICE={"BATCH_SIZE": 1000, "THREADS_PER_PROCESS": 8, "LOG_LEVEL": 0},
        LOGGING_CONFIG=None,
    )
    django.setup()
    if name in QUEUES:
        call_command("migrate", verbosity=0)


def copies(count: int) -> Iterator[tuple[str, str, str, str]]:
    """Address, subject, text and HTML of each recipient."""
    from django.template import Context, Engine

    engine = Engine()
    templates = [
        engine.from_string(source)
        for source in (newsletter.SUBJECT, newsletter.text(), newsletter.html())
    ]
    for number in range(count):
        context = Context(newsletter.values(number))
        subject, text, html = [one.render(context) for one in templates]
        yield f"reader{number}@example.com", subject, text, html


def measured(messages: int, work: Any) -> dict[str, float]:
    import resource

    before = cpu_seconds(resource)
    began = time.monotonic()
    work()
    return {
        "messages": messages,
        "seconds": time.monotonic() - began,
        "cpu": cpu_seconds(resource) - before,
    }


def cpu_seconds(resource: Any) -> float:
    """Of this process and of those that it has ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def send_in_a_loop(messages: int) -> dict[str, float]:
    from django.core.mail import get_connection

    def work() -> None:
        with get_connection() as connection:
            for copy in copies(messages):
                message(*copy, connection).send()

    return measured(messages, work)


def message(address: str, subject: str, text: str, html: str, connection: Any) -> Any:
    from django.core.mail import EmailMultiAlternatives

    mail = EmailMultiAlternatives(
        subject, text, SENDER, [address], connection=connection
    )
    mail.attach_alternative(html, "text/html")
    return mail


def send_by_mailer(messages: int) -> dict[str, float]:
    from mailer import send_html_mail
    from mailer.engine import send_all
    from mailer.models import Message

    Message.objects.all().delete()
    for address, subject, text, html in copies(messages):
        send_html_mail(subject, text, html, SENDER, [address])
    facts = measured(messages, send_all)
    assert not Message.objects.exists()
    return facts


def send_by_post_office(messages: int) -> dict[str, float]:
    """Its best settings: two processes of eight threads, a thousand at a time."""
    from django.db import connections
    from post_office import mail
    from post_office.models import STATUS, Email

    Email.objects.all().delete()
    waiting = Email.objects.filter(status=STATUS.queued)
    for start in range(0, messages, 1000):
        mail.send_many(
            {
                "sender": SENDER,
                "recipients": [address],
                "subject": subject,
                "message": text,
                "html_message": html,
            }
            for address, subject, text, html in copies(min(1000, messages - start))
        )

    def work() -> None:
        while waiting.exists():
            mail.send_queued(processes=2, log_level=0)
            # Its processes close the line to the database that they inherit.
            connections.close_all()

    facts = measured(messages, work)
    assert Email.objects.filter(status=STATUS.sent).count() == messages
    return facts


if __name__ == "__main__":
    measure()
