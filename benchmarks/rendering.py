"""Making one recipient's copy: our compiled message beside Django's own way.

    python -m benchmarks.rendering

Both from the same newsletter to the bytes on the wire. The table goes into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
from collections.abc import Callable

from benchmarks import environment, newsletter, tables

COPIES = 500
ROUNDS = 7
ATTACHMENT = bytes(range(256)) * 8192  # 2 MB
HEAD = ("copy", "ours", "EmailMultiAlternatives", "share")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="not needed; `make bench` gives it to all")
    parser.parse_args()
    environment.use("sqlite://:memory:")
    ours, theirs = our_way(), their_way()
    rows = [row("newsletter", ours, theirs, COPIES)]
    ours, theirs = our_way(ATTACHMENT), their_way(ATTACHMENT)
    rows.append(row("with an attachment of 2 MB", ours, theirs, 10))
    tables.write("rendering", tables.table(HEAD, rows))


def row(name: str, ours: Callable, theirs: Callable, copies: int) -> list[str]:
    """Median of the rounds, in each of which both have their turn."""
    rounds = [(timed(ours, copies), timed(theirs, copies)) for _round in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*rounds, strict=True))
    share = statistics.median(one / two for one, two in rounds)
    cost = [f"{seconds * 1e6:,.0f} µs" for seconds in (mine, other)]
    return [name, *cost, f"1/{1 / share:.0f}"]


def timed(work: Callable[[int], bytes], copies: int) -> float:
    began = time.process_time()
    for number in range(copies):
        work(number)
    return (time.process_time() - began) / copies


def our_way(attachment: bytes = b"") -> Callable[[int], bytes]:
    from massmail.content.compiler import MessageSource, compile_message
    from massmail.content.headers import Envelope, Sender
    from massmail.content.images import Attachment

    files = (Attachment("prices.pdf", "application/pdf", attachment),)
    source = MessageSource(
        subject=newsletter.SUBJECT,
        content=newsletter.html(),
        text=newsletter.text(),
        attachments=files if attachment else (),
    )
    sender = Sender("Anna Sender", "news@example.com")
    compiled = compile_message(source, sender=sender, variables=None)
    now = dt.datetime.now(dt.UTC)

    def copy(number: int) -> bytes:
        values = newsletter.values(number)
        envelope = Envelope(
            to_name=values["first_name"],
            to_address=f"reader{number}@example.com",
            message_id=f"<{number:032x}@example.com>",
            date=now,
            unsubscribe_url=values["unsubscribe_url"],
            list_id="news.list.example.com",
        )
        return compiled.render(values, envelope)

    return copy


def their_way(attachment: bytes = b"") -> Callable[[int], bytes]:
    from django.core.mail import EmailMultiAlternatives
    from django.template import Context, Engine

    sources = (newsletter.SUBJECT, newsletter.text(), newsletter.html())
    engine = Engine()
    templates = [engine.from_string(source) for source in sources]

    def copy(number: int) -> bytes:
        context = Context(newsletter.values(number))
        subject, text, html = [template.render(context) for template in templates]
        unsubscribe = f"<{context['unsubscribe_url']}>"
        mail = EmailMultiAlternatives(
            subject,
            text,
            "Anna Sender <news@example.com>",
            [f"reader{number}@example.com"],
            headers={"List-Unsubscribe": unsubscribe},
        )
        mail.attach_alternative(html, "text/html")
        if attachment:
            mail.attach("prices.pdf", attachment, "application/pdf")
        return mail.message().as_bytes(linesep="\r\n")

    return copy


if __name__ == "__main__":
    main()
