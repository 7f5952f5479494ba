"""The bytes that a real server received, for texts and names of every kind."""

from __future__ import annotations

import email
import re
from collections import Counter
from email import policy

import pytest
from django.core.exceptions import ValidationError

from massmail.models import Delivery, MessageVersion
from massmail.models.breakers import StopReason
from massmail.orchestrator.lifecycle import launch
from massmail.tests.content.test_hostile_templates import (
    BAD_CONDITIONS,
    LOST_BRACES,
    UNKNOWN_TAGS,
    UNKNOWN_VARIABLES,
)
from massmail.tests.factories import AttachmentFactory, EmlMessageFactory, UserFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import account_at, draft, ready_settings, send_all
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db
SENDER = "Sales ✉ Team"
FOOTER = '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Out</a></p>'
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
NAMES = [
    "Zoë 🎉 Ünal",
    "שלום עולם",
    "مرحبا بالعالم",
    "李小龍",
    "x" * 300,
    "é" * 300,
    "Łódź-" * 60,
    '"Quoted" <not@an.address>, other@example.com',
    "=?utf-8?q?no?=",
    "line\r\nBcc: evil@example.com",
    "{{ unsubscribe_url }}{% debug %}",
    "<script>alert(1)</script>",
    ".",
    "a\tb\x01c",
]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def received(name: str, *, address: str = "customer0@example.com", **fields):
    """(raw bytes, the same parsed) of the only recipient's copy."""
    ready_settings()
    owner = UserFactory()
    mailing = draft(owner, customers=1, **fields)
    Customer.objects.update(name=name[:300], email=address)
    with FaultServer() as server:
        account_at(
            server, owner, from_name="Sales ✉ Team", from_email="a@bücher.example"
        )
        launch(mailing, by=owner)
        send_all()
        [accepted] = server.accepted
    return accepted, email.message_from_bytes(accepted.content, policy=policy.default)


def check(raw: bytes) -> None:
    assert raw.isascii()
    assert b"\0" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    header = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert max(len(line) for line in header.split("\r\n")) <= 998
    fields = Counter(re.findall(r"^([A-Za-z-]+):", header, re.MULTILINE))
    assert {name: fields[name] for name in ONCE} == dict.fromkeys(ONCE, 1)
    assert fields["Bcc"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_name_arrives_whole_and_stays_in_its_place(name):
    accepted, message = received(
        name,
        subject="For {{ first_name }}",
        content="<p>Dear {{ first_name }}</p>" + FOOTER,
    )

    check(accepted.content)
    expected = re.sub(r"\r\n|[\x00-\x1f]", " ", name[:300])
    assert message["Subject"] == f"For {expected}".strip()
    assert message["To"].addresses[0].addr_spec == "customer0@example.com"
    assert message["From"].addresses[0].display_name == SENDER
    text = message.get_body(("plain",)).get_content()
    assert text.startswith(f"Dear {expected}".rstrip())
    html = message.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert html.count("/news/u/") == 1


def test_dots_at_the_beginning_of_lines_and_long_lines_arrive():
    body = ".\n..\n.leading\n" + "word " * 500 + "\n" + "z" * 3000 + "\n."
    accepted, message = received(
        "Zoë", content="", text=body + "\n{{ postal_address }} {{ unsubscribe_url }}"
    )

    check(accepted.content)
    content = message.get_content().replace("\r\n", "\n")
    assert content.startswith(body + "\n")


def test_international_domains_are_a_labels_everywhere():
    accepted, message = received("Zoë", address="zoe@bücher.example")

    check(accepted.content)
    assert accepted.rcpt == "zoe@xn--bcher-kva.example"
    assert accepted.mail_from == "a@xn--bcher-kva.example"
    assert message["To"].addresses[0].domain == "xn--bcher-kva.example"
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")


def test_file_names_of_every_script_arrive():
    ready_settings()
    owner = UserFactory()
    mailing = draft(owner, customers=1)
    names = ["Preisliste März.pdf", "価格表.xlsx", "a" * 190 + ".txt", 'q"uo;te.txt']
    for name in names:
        AttachmentFactory(message=mailing.message, filename=name)
    with FaultServer() as server:
        account_at(server, owner)
        launch(mailing, by=owner)
        send_all()
        [accepted] = server.accepted

    check(accepted.content)
    message = email.message_from_bytes(accepted.content, policy=policy.default)
    assert [part.get_filename() for part in message.iter_attachments()] == names


HOSTILE = [*UNKNOWN_TAGS, *UNKNOWN_VARIABLES, *BAD_CONDITIONS, *LOST_BRACES]


def test_there_are_more_than_forty_of_them():
    assert len(set(HOSTILE)) >= 40


@pytest.mark.parametrize("template", HOSTILE, ids=lambda text: text[:30])
def test_a_hostile_template_is_refused_at_save_with_line_and_column(template):
    message = EmlMessageFactory.build(
        owner=UserFactory(), content=f"<p>Hello\n  dear {template}</p>{FOOTER}"
    )

    with pytest.raises(ValidationError) as refusal:
        message.full_clean()

    assert "Line 2, column 8" in str(refusal.value.message_dict["content"])


@pytest.mark.parametrize(
    "template",
    ["{% debug %}", "{{ owner.password }}", "{% include 'x' %}", "{% if a %}" * 50_000],
)
def test_one_that_got_into_the_database_stops_its_mailing_and_nothing_else(template):
    """The worker lives, nobody is blamed, others' mail leaves."""
    ready_settings()
    owner = UserFactory()
    with FaultServer() as server:
        account_at(server, owner)
        broken = launch(draft(owner, customers=1), by=owner)
        MessageVersion.objects.update(content=template)
        fine = launch(draft(owner, customers=0), by=owner)
        send_all()
        got = [each for each in server.accepted if each.rcpt != owner.email]

    broken.refresh_from_db()
    fine.refresh_from_db()
    assert broken.stop_reason == StopReason.MESSAGE_BROKEN
    assert Delivery.objects.get(mailing=broken).status == "queued"
    assert fine.status == "D"
    assert len(got) == 1  # besides the alert to the owner
    assert b"password" not in got[0].content
