"""How long the pages of the admin take beside a mailing of 300,000 recipients.

    python -m benchmarks.pages --database postgres://user@host:5432/empty
    python -m benchmarks.pages --recipients 100000
    python -m benchmarks.pages --recipients 1000000 --past 999 --past-recipients 9000

The last one adds mailings that are done, here nine million rows in some ten minutes,
and prints its table instead of writing it into docs/performance.md.

The database is filled, so give it an empty one; without it a SQLite file is used. Pages
are asked in turn and without a network. "CPU" is that of this process and of its
PostgreSQL session, where that runs on this machine; on SQLite most of a query's time
goes by while its rows are read, and is not in that of the "slowest query".
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.audience import cpu_seconds
from benchmarks.people import manager, prepare_environment

RECIPIENTS = 300_000
ROUNDS = 7
HEAD = ["page", "ms", "CPU ms", "queries", "slowest query, ms"]
# Of a hundred recipients, in the order in which they were chosen: 65 were sent within
# six days, 3 failed, 5 are not mailed, 2 are uncertain; the others wait.
DELIVERIES = """
INSERT INTO massmail_delivery (
    kind, mailing_id, content_type_id, object_id, name, address, address_key,
    address_domain, email_account_id, status, reason, priority, not_before, time_zone,
    attempts, message_id, smtp_enhanced, smtp_text, queued_at, sending_at, sent_at,
    result_at
)
WITH RECURSIVE numbers(n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(count)s
), people AS (
    SELECT n, CASE
        WHEN n %% 20 = 1 THEN 'skipped' WHEN n > %(begun)s THEN 'queued'
        WHEN n %% 33 = 2 THEN 'failed' WHEN n %% 50 = 3 THEN %(unclear)s
        ELSE 'sent' END AS status, {moment} AS moment
    FROM numbers
)
SELECT
    'mailing', %(mailing)s, %(content_type)s, CAST(n AS text), 'Reader ' || n,
    'reader' || n || '@company' || (n %% 5000) || '.example.com',
    substr('00000000000000000000000000000000' || n, length('' || n) + 1),
    'company' || (n %% 5000) || '.example.com',
    CASE WHEN status = 'skipped' THEN NULL ELSE %(account)s + n %% %(accounts)s END,
    status, CASE status WHEN 'skipped' THEN 'opted_out' WHEN 'failed' THEN 'refused'
        WHEN 'uncertain' THEN 'worker_lost' ELSE '' END,
    2, %(queued)s, '', CASE WHEN status IN ('skipped', 'queued') THEN 0 ELSE 1 END,
    CASE WHEN status IN ('skipped', 'queued') THEN ''
        ELSE '<' || n || '@example.com>' END,
    '', '', %(queued)s,
    CASE WHEN status IN ('skipped', 'queued') THEN NULL ELSE moment END,
    CASE status WHEN 'sent' THEN moment END,
    CASE WHEN status IN ('skipped', 'queued') THEN NULL ELSE moment END
FROM people
ORDER BY n
"""
ATTEMPTS = """
INSERT INTO massmail_sendattempt (
    email_account_id, delivery_id, token, occurred_at, outcome
)
SELECT email_account_id, id, %(token)s, sending_at,
    CASE status WHEN 'failed' THEN 'refused' ELSE status END
FROM massmail_delivery WHERE mailing_id = %(mailing)s AND sending_at IS NOT NULL
"""
DAYS = 6
# The last ones an hour apart: part of them left within the last hour.
STEPS = 24 * DAYS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="URL of an empty database")
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--past", type=int, default=0, help="mailings that are done")
    parser.add_argument("--past-recipients", type=int, default=9000, help="of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="massmail-bench-") as folder:
        prepare_environment(options.database, Path(folder))
        serve_plain_files()
        owner = manager()
        for _number in range(options.past):
            fill_past(owner, options.past_recipients)
        mailing = fill(owner, options.recipients)
        analyze()
        table = tables.table(HEAD, measure(owner, pages(mailing), options.rounds))
        if options.past:
            print(table)
        else:
            name = "postgresql" if options.database else "sqlite"
            tables.write(f"pages-{name}", table)


def serve_plain_files() -> None:
    """No files were collected for this run."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
    )


def fill(owner: Any, count: int) -> Any:
    """A mailing in the middle of its way."""
    from django.utils import timezone

    now = timezone.now()
    mailing = launched_mailing(owner, count, now)
    add_rows(mailing, count, now, begun=count * 3 // 4, unclear="uncertain")
    return mailing


def fill_past(owner: Any, count: int) -> None:
    """A mailing that was done a month ago."""
    from django.utils import timezone

    from massmail.models import MailingOut

    then = timezone.now() - dt.timedelta(days=30)
    mailing = launched_mailing(owner, count, then)
    add_rows(mailing, count, then, begun=count, unclear="sent")
    MailingOut.objects.filter(pk=mailing.pk).finish(then)


def add_rows(
    mailing: Any, count: int, now: dt.datetime, *, begun: int, unclear: str
) -> None:
    """Rows are made by the database itself; the first `begun` have left."""
    from django.db import connection

    from massmail.models import EmailAccount

    owner = mailing.owner
    accounts = EmailAccount.objects.filter(owner=owner).order_by("pk")
    adapted = connection.ops.adapt_datetimefield_value
    values = {
        "count": count,
        "begun": begun,
        "unclear": unclear,
        "mailing": mailing.pk,
        "content_type": mailing.content_type_id,
        "account": accounts[0].pk,
        "accounts": len(accounts),
        "queued": adapted(mailing.launched_at),
        "token": uuid.uuid4().hex,
    }
    values |= {
        f"moment{step}": adapted(now - dt.timedelta(hours=STEPS - step, minutes=-30))
        for step in range(STEPS)
    }
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES.format(moment=moment_of_row()), values)
        cursor.execute(ATTEMPTS, values)


def analyze() -> None:
    """What autovacuum does in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        postgresql = connection.vendor == "postgresql"
        cursor.execute("VACUUM ANALYZE" if postgresql else "ANALYZE")


def moment_of_row() -> str:
    whens = "".join(f" WHEN {step} THEN %(moment{step})s" for step in range(STEPS))
    return f"CASE n * {STEPS} / (%(begun)s + 1){whens} END"


def launched_mailing(owner: Any, count: int, now: dt.datetime) -> Any:
    from django.contrib.contenttypes.models import ContentType

    from crm.models import Contact
    from massmail.models import Heartbeat, MailingOut
    from massmail.tests.factories import EmlMessageFactory

    for name in (Heartbeat.BEAT, Heartbeat.WORKER):
        Heartbeat.objects.update_or_create(
            name=name, defaults={"beat_at": now + dt.timedelta(hours=1)}
        )
    return MailingOut.objects.create(
        owner=owner,
        name="News of March",
        message=EmlMessageFactory(owner=owner),
        content_type=ContentType.objects.get_for_model(Contact),
        status=MailingOut.Status.ACTIVE,
        recipients_count=count,
        prepared_at=now - dt.timedelta(days=DAYS),
        launched_at=now - dt.timedelta(days=DAYS),
    )


def pages(mailing: Any) -> dict[str, str]:
    from django.urls import reverse

    recipients = reverse("admin:massmail_delivery_changelist")
    lists = reverse("admin:massmail_mailingout_changelist")
    return {
        "mailing": f"{lists}{mailing.pk}/change/",
        "its progress": f"{lists}{mailing.pk}/progress/",
        "mailings": lists,
        "their progress": f"{lists}progress/?ids={mailing.pk}",
        "recipients": f"{recipients}?mailing__id__exact={mailing.pk}",
        "recipients sent": f"{recipients}?mailing__id__exact={mailing.pk}&state=sent",
        "start page of Mass mail": reverse("admin:app_list", args=["massmail"]),
        "accounts": reverse("admin:massmail_emailaccount_changelist"),
    }


@dataclass
class Times:
    """Of one page, in seconds; `queries` are those of its last answer."""

    wholes: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    queries: int = 0


def measure(owner: Any, urls: Mapping[str, str], rounds: int) -> list[list[object]]:
    """Rows of the table; the first round only loads the site."""
    from django.test import Client

    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    found: dict[str, Times] = defaultdict(Times)
    for number in range(rounds + 1):
        for name, url in urls.items():
            ask(client, url, found[name] if number else Times())
    return [row_of(name, times) for name, times in found.items()]


def row_of(name: str, times: Times) -> list[object]:
    """The median counts; of the CPU the mean, since it is told in hundredths."""
    return [
        name,
        f"{statistics.median(times.wholes) * 1000:.0f}",
        f"{statistics.mean(times.cpu) * 1000:.0f}",
        times.queries,
        f"{statistics.median(times.slowest) * 1000:.0f}",
    ]


def ask(client: Any, url: str, times: Times) -> None:
    from django.db import connection

    queries: list[float] = []

    def timed(execute: Any, *arguments: Any) -> Any:
        began = time.monotonic()
        try:
            return execute(*arguments)
        finally:
            queries.append(time.monotonic() - began)

    began, cpu = time.monotonic(), cpu_seconds()
    with connection.execute_wrapper(timed):
        response = client.get(url)
    times.wholes.append(time.monotonic() - began)
    times.cpu.append(cpu_seconds() - cpu)
    assert response.status_code == 200, (url, response.status_code)
    times.slowest.append(max(queries))
    times.queries = len(queries)


if __name__ == "__main__":
    main()
