"""What people click while a mailing is being sent holds from the commit on."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.exceptions import WrongState
from massmail.models import (
    EmailAccount,
    MailingOut,
    MassmailSettings,
    MessageVersion,
    SuppressedAddress,
)
from massmail.models.address import address_key
from massmail.orchestrator.lifecycle import cancel, launch, pause, resume
from massmail.orchestrator.send import send_account_queue
from massmail.sending import account_health
from massmail.tests.factories import UserFactory
from massmail.tests.faults.clicks import CLICKS, PATIENCE, in_threads
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import (
    account_at,
    draft,
    launched,
    ready_settings,
    send_all,
    states,
)
from massmail.tracking.public_links import unsubscribe_url
from massmail.tracking.responses import unsubscribe

pytestmark = pytest.mark.django_db(transaction=True)

LANES = 4


def test_twenty_launch_clicks_at_once_launch_once(server):
    ready_settings()
    mailing = draft(customers=10)
    for _ in range(2):
        account_at(server, mailing.owner)
    owner = mailing.owner

    found = in_threads(
        CLICKS, lambda: launch(MailingOut.objects.get(pk=mailing.pk), by=owner)
    )

    assert Counter(map(type, found)) == {MailingOut: 1, WrongState: CLICKS - 1}
    shares = Counter(mailing.deliveries.values_list("email_account", flat=True))
    assert sorted(shares.values()) == [5, 5]
    assert MessageVersion.objects.count() == 1
    send_all()
    assert states(mailing) == {"sent": 10}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)


@pytest.fixture
def sending(server):
    """A mailing some of whose messages have left; the server then waits for `clicked`.

    So every click falls into the sending, however slow the machine is: each connection
    goes on until the server holds back the answer to its dot.
    """
    clicked = threading.Event()
    original = server.script.next_fault

    def next_fault(phase, *args):
        if phase is Phase.DOT and len(server.accepted) >= 2 * LANES:
            clicked.wait(PATIENCE)
        return original(phase, *args)

    server.script.next_fault = next_fault
    mailing = launched(server, customers=80, max_connections=LANES)
    account_id = EmailAccount.objects.get().pk
    thread = threading.Thread(target=send_and_close, args=(account_id,))
    thread.start()
    while len(server.accepted) < 2 * LANES:
        time.sleep(0.002)

    def finish():
        clicked.set()
        thread.join(PATIENCE)

    mailing.finish = finish
    yield mailing
    finish()


def send_and_close(account_id):
    try:
        send_account_queue(account_id)
    finally:
        connections.close_all()


def accepted_after(server, moment):
    return [message for message in server.accepted if message.accepted_at > moment]


def expire(mailing):
    MailingOut.objects.filter(pk=mailing.pk).update(expires_at=timezone.now())


def deactivate_owner(mailing):
    get_user_model().objects.filter(pk=mailing.owner_id).update(is_active=False)


def rest_account(mailing):
    account = EmailAccount.objects.get()
    account_health.pause(account, by=mailing.owner, until=None, now=timezone.now())


def remove_account(mailing):
    EmailAccount.objects.update(for_massmail=False)


def give_account_away(mailing):
    EmailAccount.objects.update(owner=UserFactory())


def edit_account(mailing):
    account = EmailAccount.objects.get()
    account.from_name = "Somebody else"
    account.save()


def edit_settings(mailing):
    settings = MassmailSettings.load()
    settings.postal_address = "Elsewhere"
    settings.save()


CLICKS_AND_STATES = [
    (lambda mailing: pause(mailing, by=mailing.owner), "queued"),
    (lambda mailing: cancel(mailing, by=mailing.owner), "skipped"),
    (expire, "queued"),
    (deactivate_owner, "queued"),
    (rest_account, "queued"),
    # Nobody else can mail its recipients.
    (remove_account, "skipped"),
    (give_account_away, "skipped"),
    # The next run goes on with what was edited.
    (edit_account, "queued"),
    (edit_settings, "queued"),
]


@pytest.mark.parametrize(
    ("click", "state"),
    CLICKS_AND_STATES,
    ids=[
        "pause",
        "cancel",
        "expiry",
        "owner made inactive",
        "account paused",
        "account removed",
        "account given away",
        "account edited",
        "settings edited",
    ],
)
def test_after_a_click_at_most_one_message_per_connection_leaves(
    server, sending, click, state
):
    click(sending)
    moment = time.time()
    sending.finish()

    assert len(accepted_after(server, moment)) <= LANES
    assert len(server.accepted) <= 4 * LANES
    counts = states(sending)
    assert counts == {"sent": len(server.accepted), state: 80 - len(server.accepted)}
    assert_ledger_is_clean(sending)


def delete(customers):
    customers.delete()


def reassign(customers):
    customers.update(owner=UserFactory())


def disqualify(customers):
    customers.update(disqualified=True)


def suppress(customers):
    for email in customers.values_list("email", flat=True):
        SuppressedAddress.objects.suppress(email, reason="manual", source="import")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (delete, "recipient_deleted"),
        (reassign, "not_assigned"),
        (disqualify, "disqualified"),
        (suppress, "suppressed"),
    ],
)
def test_who_must_not_be_mailed_any_more_gets_nothing(server, sending, change, reason):
    """Claimed rows are among them: the recheck stands in the hand-over itself."""
    rows = sending.deliveries.filter(status__in=("queued", "claimed"))[20:40]
    gone = {row.address for row in rows}
    change(Customer.objects.filter(email__in=gone))
    moment = time.time()
    sending.finish()
    drain(sending)

    late = [each for each in accepted_after(server, moment) if each.rcpt in gone]
    assert len(late) <= LANES
    skipped = sending.deliveries.filter(status="skipped", reason=reason)
    assert set(skipped.values_list("address", flat=True)) == gone - set(
        addresses(server)
    )
    assert skipped.count() > len(gone) // 2
    assert_ledger_is_clean(sending)


def test_what_was_paused_goes_on_when_it_is_resumed(server, sending):
    pause(sending, by=sending.owner)
    sending.finish()
    resume(sending, by=sending.owner)
    drain(sending)
    assert states(sending) == {"sent": 80}
    assert addresses(server) == everybody(sending)
    assert_ledger_is_clean(sending)


def token_of(row):
    """What stands in the unsubscribe link of the row's mail."""
    url = unsubscribe_url(
        base_url="", delivery_id=row.pk, address_key=address_key(row.address)
    )
    return url.rstrip("/").rpartition("/")[2]


def test_who_unsubscribes_during_the_sending_gets_nothing_more(server, sending):
    """Claimed rows are among them: the recheck stands in the hand-over itself."""
    leaving = list(sending.deliveries.filter(status__in=("queued", "claimed"))[20:40])
    for row in leaving:
        unsubscribe(token_of(row), now=timezone.now())
    moment = time.time()
    sending.finish()
    drain(sending)

    gone = {row.address for row in leaving}
    late = [each for each in accepted_after(server, moment) if each.rcpt in gone]
    assert len(late) <= LANES
    opted_out = sending.deliveries.filter(status="skipped", reason="opted_out")
    spared = set(opted_out.values_list("address", flat=True))
    assert spared.isdisjoint(addresses(server))
    assert spared == gone - set(addresses(server))
    assert len(spared) > len(leaving) // 2
    assert_ledger_is_clean(sending)
