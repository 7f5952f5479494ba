"""What a mail is, by its own words; and what is a program's, not a person's."""

from __future__ import annotations

import pytest

from massmail.inbound.kinds import kind_of
from massmail.inbound.parser import parse

FROM_A_SERVER = "From: MAILER-DAEMON@example.org\n"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("Subject: Re: News", "reply"),
        ("Auto-Submitted: no", "reply"),
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("Auto-Submitted: auto-generated; x=y", "auto_reply"),
        ("AUTO-SUBMITTED: Auto-Notified", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: News", "auto_reply"),
        ("X-MS-Exchange-Inbox-Rules-Loop: zoe@example.org", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("Precedence: bulk", "auto_reply"),
        ("Precedence: first-class", "reply"),
        ("Return-Path: <>", "auto_reply"),
        ("Return-Path: <zoe@example.org>", "reply"),
        ("Subject: Automatic reply: News", "auto_reply"),
        ("Subject: Out of Office: News", "auto_reply"),
        ("Subject: Re: Automatic reply: News", "reply"),
        ("Subject: =?utf-8?b?0JDQstGC0L7QvtGC0LLQtdGC?=", "auto_reply"),
        ("Subject: =?iso-8859-1?q?R=E9ponse_automatique?=", "auto_reply"),
        # What a correspondent's Exchange is asked not to do.
        ("X-Auto-Response-Suppress: All", "reply"),
        ("From: Postmaster@example.org", "bounce"),
        ("X-Failed-Recipients: zoe@example.org", "bounce"),
        ("From: Mail Delivery System <x@example.org>", "bounce"),
        ("Content-Type: multipart/report; report-type=delivery-status", "bounce"),
        (
            "Content-Type: multipart/report; report-type=disposition-notification",
            "receipt",
        ),
        (f"{FROM_A_SERVER}Subject: Warning: message 1a delayed 24 hours", "delay"),
        (
            f"{FROM_A_SERVER}X-Failed-Recipients: z@example.org\nSubject: Warning: x",
            "bounce",
        ),
        (f"{FROM_A_SERVER}Auto-Submitted: auto-replied", "bounce"),
    ],
)
def test_a_head_tells(head, kind):
    assert kind_of(parse(f"{head}\n\nHello.\n".encode())) == kind


FEEDBACK = """\
Content-Type: multipart/report; report-type=feedback-report; boundary=a

--a
Content-Type: message/feedback-report

{fields}

--a--
"""


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ("Feedback-Type: abuse", "complaint"),
        ("feedback-type:  FRAUD", "complaint"),
        ("Feedback-Type: virus", "complaint"),
        ("Feedback-Type: other", "complaint"),
        ("Feedback-Type: opt-out", "unsubscribe"),
        ("Feedback-Type: not-spam", "receipt"),
        ("Feedback-Type: auth-failure", "receipt"),
        ("Version: 1", "receipt"),
    ],
)
def test_a_complaint_is_one_only_by_its_type(fields, kind):
    assert kind_of(parse(FEEDBACK.format(fields=fields).encode())) == kind


STATUS = """\
Content-Type: multipart/report; report-type=delivery-status; boundary="a b"

--a b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

{groups}
--a b--
"""


@pytest.mark.parametrize(
    ("groups", "kind"),
    [
        ("Final-Recipient: rfc822; z@example.org\nAction: failed", "bounce"),
        ("Final-Recipient: rfc822; z@example.org\nAction: FAILED (x)", "bounce"),
        ("Final-Recipient: rfc822; z@example.org\nAction: error", "bounce"),
        ("Final-Recipient: rfc822; z@example.org\nAction: delayed", "delay"),
        ("Final-Recipient: rfc822; z@example.org\nAction: delivered", "receipt"),
        ("Final-Recipient: rfc822; z@example.org\nAction: relayed", "receipt"),
        ("Final-Recipient: rfc822; z@example.org\nAction: expanded", "receipt"),
        ("Final-Recipient: rfc822; z@example.org\nStatus: 4.0.0", "delay"),
        ("Final-Recipient: rfc822; z@example.org\nStatus: 2.1.5", "receipt"),
        ("Final-Recipient: rfc822; z@example.org\n\nAction: delayed", "delay"),
        (
            "Final-Recipient: rfc822; z@example.org\nAction: delivered\n\n"
            "Final-Recipient: rfc822; y@example.org\nAction: failed",
            "bounce",
        ),
        ("Action: delayed\nFinal-Recipient: rfc822; z@example.org", "delay"),
    ],
)
def test_a_report_is_as_bad_as_its_worst_recipient(groups, kind):
    assert kind_of(parse(STATUS.format(groups=groups).encode())) == kind


@pytest.mark.parametrize(
    ("field", "spelt"),
    [
        ("rfc822; zoe@example.org", ("zoe@example.org",)),
        ("RFC822;<zoe@example.org>", ("zoe@example.org",)),
        ("zoe@example.org", ("zoe@example.org",)),
        ("rfc822; a+2Bb@example.org", ("a+2Bb@example.org", "a+b@example.org")),
        (r"utf-8; z\x{6F}e@example.org", (r"z\x{6F}e@example.org", "zoe@example.org")),
        ("unknown", ()),
        ("x400; /S=Reader/C=NL/", ()),
        ("", ()),
    ],
)
def test_an_address_is_read_in_each_of_its_spellings(field, spelt):
    groups = f"Final-Recipient: {field}\nAction: failed"

    [report] = parse(STATUS.format(groups=groups).encode()).reports

    assert report.final == spelt
