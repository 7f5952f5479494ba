"""What the DNS says of a mailing's senders, asked of a server on loopback."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache

from massmail.exceptions import LaunchRefused
from massmail.models import EmailAccount
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.preflight import findings
from massmail.orchestrator.sender_checks import is_aligned, sender_findings
from massmail.tests.dns_server import NameServer
from massmail.tests.factories import EmailAccountFactory, MainAccountFactory

pytestmark = pytest.mark.django_db
GOOD = {
    "example.com": ["v=spf1 include:_spf.example.net -all", "other=1"],
    "_dmarc.example.com": ["v=DMARC1; p=none"],
    "x1._domainkey.example.com": ["v=DKIM1; p=abc"],
}


@pytest.fixture
def asked(settings):
    """Accounts' findings, as a name server with these records leads to them."""
    cache.clear()

    def ask(texts, *accounts, **options):
        with NameServer(texts, **options) as server:
            settings.MASSMAIL = settings.MASSMAIL | {
                "DNS_TIMEOUT": 0.3 if server.is_silent else 10.0,
                "DNS_SERVERS": (server.address,),
            }
            found = {
                each.code: each.details
                for each in sender_findings(accounts or [account()])
            }
        return found, server.questions

    yield ask
    cache.clear()


def account(address="anna@example.com", **fields) -> EmailAccount:
    return EmailAccountFactory.build(from_email=address, owner=None, **fields)


def without(*names: str) -> dict:
    return {name: texts for name, texts in GOOD.items() if name not in names}


def test_a_complete_domain_is_no_finding(asked):
    assert asked(GOOD)[0] == {}


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (GOOD | {"example.com": ["other=1"]}, "sender_without_spf"),
        (GOOD | {"example.com": ["v=spf1 -all", "v=spf1"]}, "sender_with_two_spf"),
        (GOOD | {"example.com": ["v=spf10"]}, "sender_without_spf"),
        (without("_dmarc.example.com"), "sender_without_dmarc"),
        (without("x1._domainkey.example.com"), "sender_without_dkim"),
    ],
)
def test_what_is_missing_is_named_with_the_domain(asked, texts, code):
    assert asked(texts)[0] == {code: ("example.com",)}


def test_a_domain_that_does_not_exist_says_no_more(asked):
    assert asked({"other.example": ["x"]})[0] == {
        "sender_domain_unknown": ("example.com",)
    }


def test_a_sub_domain_has_the_dmarc_record_above_it(asked):
    texts = GOOD | {
        "mail.example.com": ["v=spf1 -all"],
        "a._domainkey.mail.example.com": ["v=DKIM1; p=x"],
    }

    found, questions = asked(texts, account("anna@mail.example.com"))

    assert found == {}
    assert "_dmarc.com" not in questions


def test_international_domains_are_asked_for_as_the_dns_knows_them(asked):
    found, questions = asked({}, account("anna@bücher.example"))

    assert found == {"sender_domain_unknown": ("xn--bcher-kva.example",)}
    assert questions == ["xn--bcher-kva.example"]


def test_each_domain_is_asked_for_once_and_then_remembered(asked):
    accounts = [account(), account("bo@example.com")]

    _found, questions = asked(GOOD, *accounts)
    again, no_more = asked({}, *accounts)

    assert questions.count("example.com") == 1
    assert (again, no_more) == ({}, [])


def test_without_an_answer_there_is_a_note_within_the_time_limit(asked):
    domains = [account(f"anna@{name}.example") for name in "abcdefgh"]
    begin = time.monotonic()

    found, questions = asked({}, *domains, is_silent=True)

    assert list(found) == ["sender_not_looked_up"]
    assert set(questions) == {"a.example"}
    # One time-out of 0.3 seconds and not eight; the rest is a slow machine's.
    assert time.monotonic() - begin < 8


def test_no_time_means_no_question(asked, settings):
    with NameServer(GOOD) as server:
        settings.MASSMAIL = settings.MASSMAIL | {
            "DNS_TIMEOUT": 0,
            "DNS_SERVERS": (server.address,),
        }
        assert list(sender_findings([account()])) == []
    assert server.questions == []


@pytest.mark.parametrize(
    ("login", "aligned"),
    [
        ("anna@example.com", True),
        ("ANNA@EXAMPLE.COM", True),
        ("anna", True),
        ("", True),
        ("anna@mail.example.com", True),
        ("anna@gmail.example", False),
        ("anna@notexample.com", False),
    ],
)
def test_alignment(login, aligned):
    assert is_aligned(account(email_host_user=login)) is aligned


def test_a_launch_asks_for_all_accounts_of_the_owner(ready, asked, settings):
    anna = ready.owner
    MainAccountFactory(owner=anna, from_email="anna@nowhere.example")
    with NameServer(GOOD) as server:
        settings.MASSMAIL = settings.MASSMAIL | {
            "DNS_TIMEOUT": 10.0,
            "DNS_SERVERS": (server.address,),
        }
        assert [(each.code, each.details) for each in findings(ready)] == [
            ("sender_domain_unknown", ("nowhere.example",))
        ]
        with pytest.raises(LaunchRefused, match="does not exist"):
            launch(ready, by=anna)
    ready.refresh_from_db()
    assert ready.is_draft


def test_the_smallest_server_limits_the_message(ready, asked):
    EmailAccount.objects.update(max_message_bytes=10_000_000)
    EmailAccountFactory(owner=ready.owner, max_message_bytes=1_000)

    assert [each.code for each in findings(ready)] == ["too_big"]
