"""Nothing that is asked every few seconds reads the ledger as a whole.

SQLite never looks at its tables by itself, PostgreSQL only now and then: what is asked
must lead to an index without statistics.
"""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone

from massmail.forms.suppressed_address import FullSuppressedAddressForm
from massmail.models import (
    Delivery,
    MailingOut,
    MassmailSettings,
    SampleValues,
    SuppressedAddress,
)
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.models.email_account import new_token
from massmail.models.erasure import erase
from massmail.orchestrator.explain import explain
from massmail.orchestrator.trial import require_room
from massmail.orchestrator.waiting import explain_account
from massmail.orchestrator.walk import walk_account_queues
from massmail.recipients.registry import source_of
from massmail.reports.newsletter import newsletters
from massmail.sending.claiming import claim_batch
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import ready_settings
from massmail.tracking.by_hand import opt_outs_of, person_of
from massmail.tracking.list_scope import left_by
from massmail.tracking.responses import Responder

pytestmark = pytest.mark.django_db
LEDGERS = r"massmail_(delivery|suppressedaddress)"
WHOLE = re.compile(
    rf"SCAN {LEDGERS}$|Seq Scan on {LEDGERS}\b"
    r"|SCAN \w+ USING COVERING INDEX delivery_by"
)


@pytest.fixture
def account():
    ready_settings()
    owner = UserFactory()
    account = EmailAccountFactory(
        owner=owner, per_minute=50, per_hour=100, per_day=200, per_domain_hour=1
    )
    mailing = MailingOutFactory(owner=owner, launched=True)
    for number in range(4):
        DeliveryFactory(
            mailing=mailing,
            email_account=account,
            address=f"reader{number}@example.com",
            address_domain="example.com",
        )
    return account


@pytest.fixture(autouse=True)
def crashed(account):
    """A worker that was handing over is gone."""
    now = timezone.now()
    DeliveryFactory(
        mailing=Delivery.objects.first().mailing,
        email_account=account,
        status="sending",
        claim_token=new_token(),
        sending_at=now - dt.timedelta(hours=2),
        lease_until=now - dt.timedelta(hours=1),
    )


def claim(account):
    """The place of each row's domain is taken by the one on its way."""
    claim_batch(account.pk, new_token(), now=NOW)
    put_off = account.deliveries.filter(status="queued", reason=DOMAIN_LIMIT)
    assert put_off.count() == 4


def walk(account):
    walk_account_queues()


def ask_for_a_test(account):
    require_room(account.owner, account, 1, timezone.now())


def suppress(account):
    SuppressedAddress.objects.suppress(
        "zoe@example.com", reason="opted_out", source="link"
    )


def open_the_page_to_leave(account):
    person = Responder("0" * 32)
    assert not person.has_opted_out
    assert person.address == ""


def look_an_address_up(account):
    assert not SuppressedAddress.objects.covers("zoe@mail.example.com")


def enter_one(account):
    for fields in ({"address": "zoe@example.com"}, {"domain": "example.com"}):
        form = FullSuppressedAddressForm({"reason": "manual", **fields})
        assert form.is_valid()


def list_records(account):
    """As the host's list of records does, and the page of one."""
    person = CustomerFactory(email="zoe@example.com")
    source = source_of(Customer)
    found = newsletters(source, [person.pk], mailings=MailingOut.objects.all())
    assert found[str(person.pk)].state == "never_mailed"
    assert not opt_outs_of(person_of(source, person)).exists()
    facts = {"content_type": source.content_type, "object_id": str(person.pk)}
    assert left_by("0" * 32, **facts) == []


def erase_a_person(account):
    erase("0" * 32, source="a request")


def explain_to_each_reader(account):
    MassmailSettings(use_business_time=True, use_recipient_time_zone=True).save()
    explain(MailingOut.objects.get(), now=NOW)
    explain_account(account, now=NOW)


def forget_values(account):
    SampleValues.objects.forget()


@pytest.mark.parametrize(
    "act",
    [
        claim,
        walk,
        ask_for_a_test,
        suppress,
        open_the_page_to_leave,
        explain_to_each_reader,
        look_an_address_up,
        enter_one,
        list_records,
        erase_a_person,
        forget_values,
    ],
)
def test_no_statement_reads_a_whole_ledger(account, plans, act):
    found = plans(lambda: act(account), "massmail_")

    lines = [line.strip() for plan in found for line in plan.split("\n")]
    assert lines
    assert [line for line in lines if WHOLE.search(line)] == []
