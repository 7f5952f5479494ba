"""How many one-click POSTs and pixels one gunicorn with two workers answers a second.

    python -m benchmarks.public_pages --database postgres://user@host:5432/empty
    python -m benchmarks.public_pages --sending

The database is filled, so give it an empty one; without it a SQLite file is used.
With `--sending` a mailing leaves meanwhile, and its speed with and without the load
is shown. Everything runs on loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.environment import number_users_on

HOST = "127.0.0.1"
CLIENTS = 16  # connections, in two processes
# Both workers have loaded the site by then.
WARM_UP = 400
BODY = b"List-Unsubscribe=One-Click"
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
POOL = "?pool=true"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="URL of an empty database")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--sending", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="massmail-bench-") as folder:
        environment = prepare_environment(options.database, Path(folder))
        paths = fill(options.recipients)
        with started_web(environment, Path(folder)) as port:
            load(port, b"GET", paths["pixel"][:WARM_UP], 600.0)
            for name, method in (("pixel", b"GET"), ("one-click", b"POST")):
                with sending(environment, options.sending) as rate_of_sending:
                    began = time.monotonic()
                    times = load(port, method, paths[name], options.seconds)
                    report(name, times, time.monotonic() - began)
                    rate_of_sending()
        process_what_came_in()


def prepare_environment(database: str, folder: Path) -> dict[str, str]:
    """Public settings of the production kind, on loopback and without TLS."""
    url = f"{database}{POOL}" if database else f"sqlite:///{folder / 'bench.sqlite3'}"
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "settings.environments.public",
        "DATABASE_URL": url,
        "SECRET_KEY": "benchmark" * 10,
        "FIELD_ENCRYPTION_KEYS": "YmVuY2htYXJrLW9ubHkta2V5LTMyLWJ5dGVzISEhISE=",
        "ADDRESS_KEY": "benchmark",
        "ALLOWED_HOSTS": HOST,
        "SECURE_SSL_REDIRECT": "false",
        "PUBLIC_BASE_URL": "https://news.example.com",
        "MASSMAIL_ALLOW_PRIVATE_HOSTS": "true",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    import django
    from django.conf import settings
    from django.core.management import call_command

    # The accounts' domains are made up; nobody is asked for them.
    settings.MASSMAIL["DNS_TIMEOUT"] = 0
    django.setup()
    call_command("migrate", verbosity=0)
    number_users_on()
    return dict(os.environ)


def fill(recipients: int) -> dict[str, list[bytes]]:
    """A sent mailing; the paths of its recipients' links."""
    from massmail.models import Delivery, MassmailSettings
    from massmail.tests.factories import EmailAccountFactory, UserFactory
    from massmail.tracking.public_links import OPEN, UNSUBSCRIBE, personal_url

    MassmailSettings(postal_address="1 Main Street", track_opens=True).save()
    owner = UserFactory()
    EmailAccountFactory(owner=owner)
    mailing = mailing_to(owner, recipients)
    Delivery.objects.filter(mailing=mailing).update(status="sent")
    rows = list(mailing.deliveries.values_list("pk", "address_key"))
    assert len(rows) == recipients

    def path(page: str, pk: int, key: str) -> bytes:
        url = personal_url(page, base_url="", delivery_id=pk, address_key=key)
        return url.encode()

    return {
        "pixel": [path(OPEN, *row) for row in rows],
        "one-click": [path(UNSUBSCRIBE, *row) for row in rows],
    }


def mailing_to(owner: object, count: int) -> object:
    """A draft to new contacts of the owner."""
    from crm.models import Contact
    from massmail.audience.snapshot import create_mailing
    from massmail.tests.factories import EmlMessageFactory

    start = Contact.objects.count()
    Contact.objects.bulk_create(
        [
            Contact(
                first_name="Reader",
                email=f"reader{start + number}@example.com",
                owner=owner,
            )
            for number in range(count)
        ],
        batch_size=1000,
    )
    chosen = Contact.objects.filter(owner=owner)
    return create_mailing(
        owner=owner, message=EmlMessageFactory(owner=owner), recipients=chosen
    )


@contextlib.contextmanager
def started_web(environment: dict[str, str], folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "settings.wsgi:application"]
    command += ["--bind", f"{HOST}:{port}", "--worker-class", "gthread"]
    command += ["--workers", "2", "--threads", "8", "--log-level", "error"]
    with running(command, environment):
        wait_for(port)
        yield port


@contextlib.contextmanager
def running(
    command: list[str], environment: dict[str, str], **options: object
) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, env=environment, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("gunicorn does not listen")
        time.sleep(0.1)


@contextlib.contextmanager
def sending(environment: dict[str, str], wanted: bool) -> Iterator[object]:
    """The sender at work in a process of its own; yields what tells its speed."""
    if not wanted:
        yield lambda: None
        return
    from massmail.models import Delivery

    server = [sys.executable, "-m", "massmail.tests.smtp_server"]
    with running(server, environment, stdout=subprocess.PIPE) as smtp:
        launch_at(int(smtp.stdout.readline()))
        queue = [sys.executable, "manage.py", "send_queue"]
        with running(queue, environment, stderr=subprocess.DEVNULL):
            alone = speed(Delivery)
            before, began = sent(Delivery), time.monotonic()

            def tell() -> None:
                under_load = (sent(Delivery) - before) / (time.monotonic() - began)
                print(f"{'sending':>12} {alone:9.0f} alone, {under_load:.0f} mails/s")

            yield tell


def launch_at(port: int, count: int = 20_000) -> None:
    from massmail.orchestrator.lifecycle import launch
    from massmail.tests.factories import EmailAccountFactory, UserFactory

    owner = UserFactory()
    EmailAccountFactory(owner=owner, email_port=port, max_connections=4)
    launch(mailing_to(owner, count), by=owner)


def sent(model: type) -> int:
    return model.objects.filter(status="sent").exclude(sent_at=None).count()


def speed(model: type, seconds: float = 5.0) -> float:
    time.sleep(3)
    before, began = sent(model), time.monotonic()
    time.sleep(seconds)
    return (sent(model) - before) / (time.monotonic() - began)


def load(port: int, method: bytes, paths: list[bytes], seconds: float) -> list[float]:
    """Answer times of all requests that two processes made within the time."""
    halves = [(port, method, paths[part::2], seconds) for part in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return [took for part in pool.starmap(client, halves) for took in part]


def client(port: int, method: bytes, paths: list[bytes], seconds: float) -> list[float]:
    """Connections that are asked in turn and then read in turn."""
    lines = [socket.create_connection((HOST, port)) for _n in range(CLIENTS // 2)]
    until, times, number = time.monotonic() + seconds, [], 0
    while time.monotonic() < until and number + len(lines) <= len(paths):
        began = []
        for line in lines:
            line.sendall(request(method, paths[number]))
            began.append(time.monotonic())
            number += 1
        for line, start in zip(lines, began, strict=True):
            answer(line)
            times.append(time.monotonic() - start)
    for line in lines:
        line.close()
    return times


def request(method: bytes, path: bytes) -> bytes:
    head = b"%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n" % (
        method,
        path,
        HOST.encode(),
        READER.encode(),
    )
    if method == b"GET":
        return head + b"\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    return b"%s%sContent-Length: %d\r\n\r\n%s" % (head, kind, len(BODY), BODY)


def answer(line: socket.socket) -> None:
    """One whole answer; raises AssertionError for any but 200."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(65536)
    head, _end, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    [length] = [
        int(field.partition(b":")[2])
        for field in head.split(b"\r\n")
        if field.lower().startswith(b"content-length")
    ]
    while len(body) < length:
        body += line.recv(65536)


def report(name: str, times: list[float], seconds: float) -> None:
    """The time in which the clients start is counted against the pages."""
    cuts = statistics.quantiles(times, n=100)
    print(
        f"{name:>12} {len(times) / seconds:9.0f} requests/s, median "
        f"{cuts[49] * 1000:.1f} ms, 99 % {cuts[98] * 1000:.1f} ms"
    )


def process_what_came_in() -> None:
    from django.utils import timezone

    from massmail.models import TrackingHit
    from massmail.tracking.events import process_hits

    waiting = TrackingHit.objects.count()
    began = time.monotonic()
    done = process_hits(now=timezone.now(), seconds=600)
    took = time.monotonic() - began
    print(f"{'processing':>12} {done / took:9.0f} opens/s ({done} of {waiting})")


if __name__ == "__main__":
    database = urlsplit(arguments().database)
    if database.query:
        sys.exit("Give the database without a query.")
    main()
