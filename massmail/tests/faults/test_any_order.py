"""No order of events breaks the ledger: workers, faults, clicks and time at random.

The small size belongs to the suite, the full one to `make test-faults`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from contextlib import suppress

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from massmail.backends.phases import Reply
from massmail.exceptions import MassmailError
from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    SuppressedAddress,
)
from massmail.models.address import address_key
from massmail.models.proof import resolve_by_proof
from massmail.orchestrator import lifecycle, repair
from massmail.orchestrator.walk import walk_account_queues
from massmail.reports.ledger import check_ledger
from massmail.sending import account_health
from massmail.tests.factories import (
    NOW,
    EmailAccountFactory,
    MainAccountFactory,
    UserFactory,
)
from massmail.tests.faults.simulated import ACCEPTED, MailServer, Worker
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings
from massmail.tracking.public_links import unsubscribe_url
from massmail.tracking.responses import unsubscribe

pytestmark = pytest.mark.django_db

RECIPIENTS = 3
# Of the full size: more with EXAMPLES=1000 in the environment.
EXAMPLES = int(os.environ.get("EXAMPLES", 200))
ANSWERS = [
    ACCEPTED,
    ACCEPTED,
    Reply(451, "4.3.0", "later"),
    Reply(550, "5.7.0", "not you"),
    Reply(550, "5.1.1", "unknown"),
    Reply(550, "5.4.5", "daily limit"),
]
# Within a handover, past it, past a claim's lease, past that of a row being sent.
SPANS = [1, 31, 130, 700]
# Of the workers' hosts: two are right, the others are off by more than a lease.
CLOCK_SKEWS = [0, -300, 0, 900]
LONG = dt.timedelta(hours=1)

some_worker = st.integers(0, 3)
some_account = st.integers(0, 2)
some_row = st.integers(0, RECIPIENTS - 1)


class AnyOrder(RuleBasedStateMachine):
    """A mailing to three people through two accounts and a main one."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.now = self.walked_at = NOW
        self.decisions: Counter[int] = Counter()
        self.counted: set[int] = set()
        self.server = MailServer()
        ready_settings()
        self.mailing = draft(customers=RECIPIENTS)
        self.owner, self.colleague = self.mailing.owner, UserFactory()
        self.accounts = [
            EmailAccountFactory(owner=self.owner),
            EmailAccountFactory(owner=self.owner),
            MainAccountFactory(owner=self.owner),
        ]
        lifecycle.launch(self.mailing, by=self.owner, now=self.now)
        self.rows = list(self.mailing.deliveries.values_list("pk", flat=True))
        self.customers = list(Customer.objects.values_list("pk", flat=True))
        self.workers = [
            Worker(self.server, self.accounts[number % 3], dt.timedelta(seconds=skew))
            for number, skew in enumerate(CLOCK_SKEWS)
        ]

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            transaction.set_rollback(True)
            self.sandbox.__exit__(None, None, None)

    # --- workers, and what they meet

    @rule(worker=some_worker, answers=st.lists(st.sampled_from(ANSWERS), min_size=1))
    def go_on(self, worker, answers):
        for answer in answers:
            self.workers[worker].step(answer, self.now)

    @rule(worker=some_worker)
    def lose_connection(self, worker):
        if self.workers[worker].in_flight:
            self.workers[worker].lose_connection()

    @rule(worker=some_worker)
    def die(self, worker):
        self.workers[worker].die()

    @rule(worker=some_worker)
    def end(self, worker):
        self.workers[worker].end()

    @rule(seconds=st.sampled_from(SPANS), walks=st.booleans())
    def time_passes(self, seconds, walks):
        self.now += dt.timedelta(seconds=seconds)
        # The ledger complains if nobody looks for an hour.
        if walks or self.now - self.walked_at > LONG / 2:
            self.walk()

    @rule()
    def walk(self):
        walk_account_queues(self.now)
        self.walked_at = self.now

    # --- the owner

    @rule(
        action=st.sampled_from(
            [lifecycle.pause, lifecycle.resume, lifecycle.resume, lifecycle.cancel]
        )
    )
    def click(self, action):
        self.try_to(lambda: action(self.mailing, by=self.owner, now=self.now))

    @rule(minutes=st.sampled_from([None, 0, 5]))
    def change_expiry(self, minutes):
        expires_at = None
        if minutes is not None:
            expires_at = self.now + dt.timedelta(minutes=minutes)
        MailingOut.objects.update(expires_at=expires_at)

    @rule(row=some_row)
    def send_again(self, row):
        pk = self.rows[row]
        rows = Delivery.objects.filter(pk=pk)
        self.decisions[pk] += repair.send_again(rows, by=self.owner, now=self.now)

    @rule(row=some_row)
    def count_as_sent(self, row):
        rows = Delivery.objects.filter(pk=self.rows[row])
        if repair.count_as_sent(rows, by=self.owner, now=self.now):
            self.counted.add(self.rows[row])

    @rule(row=some_row)
    def proof_arrives(self, row):
        """A bounce or a click; whichever, it tells the truth."""
        pk = self.rows[row]
        sent = self.server.accepted[pk] > 0
        resolve_by_proof(pk, sent=sent, now=self.now, detail="proof")

    @rule()
    def send_again_to_failed(self):
        self.try_to(
            lambda: repair.send_again_to_failed(
                self.mailing, by=self.owner, now=self.now
            )
        )

    @rule(account=some_account)
    def hand_over(self, account):
        account = self.accounts[account]
        self.try_to(
            lambda: repair.hand_over_recipients(account, by=self.owner, now=self.now)
        )

    @rule(account=some_account)
    def rest_account(self, account):
        account = self.accounts[account]
        self.try_to(
            lambda: account_health.pause(account, by=self.owner, until=None, now=NOW)
        )

    @rule(account=some_account)
    def activate_account(self, account):
        account = self.accounts[account]
        account_health.reactivate(account, by=self.owner, now=self.now)

    @rule(account=some_account, owned=st.booleans())
    def give_account_away(self, account, owned):
        """To a colleague, or back."""
        owner = self.owner if owned else self.colleague
        pk = self.accounts[account].pk
        EmailAccount.objects.filter(pk=pk).update(owner=owner)

    @rule(is_active=st.booleans())
    def change_owner(self, is_active):
        type(self.owner).objects.filter(pk=self.owner.pk).update(is_active=is_active)

    # --- the recipients

    @rule(row=some_row)
    def unsubscribe(self, row):
        """By the link, which who has no mail does not have."""
        delivery = Delivery.objects.get(pk=self.rows[row])
        if not self.server.accepted[delivery.pk]:
            SuppressedAddress.objects.suppress(
                delivery.address, reason="opted_out", source="phone"
            )
            return
        url = unsubscribe_url(
            base_url="",
            delivery_id=delivery.pk,
            address_key=address_key(delivery.address),
        )
        unsubscribe(url.rstrip("/").rpartition("/")[2], now=self.now)

    @rule(customer=some_row)
    def delete(self, customer):
        Customer.objects.filter(pk=self.customers[customer]).delete()

    @rule(customer=some_row, mine=st.booleans())
    def reassign(self, customer, mine):
        owner = self.owner if mine else self.colleague
        Customer.objects.filter(pk=self.customers[customer]).update(owner=owner)

    @rule(customer=some_row, number=st.integers(0, RECIPIENTS))
    def change_address(self, customer, number):
        rows = Customer.objects.filter(pk=self.customers[customer])
        rows.update(email=f"customer{number}@example.com")

    @rule(customer=some_row, is_vip=st.booleans())
    def change_vip(self, customer, is_vip):
        identities = MassContact.objects.filter(object_id=self.customers[customer])
        identities.update(is_vip=is_vip)

    # --- what always holds

    @invariant()
    def the_ledger_is_clean(self):
        assert list(check_ledger(self.now)) == []
        assert sum(self.mailing.counts().values()) == RECIPIENTS

    @invariant()
    def nobody_is_mailed_twice_but_by_decision(self):
        for pk, count in self.server.accepted.items():
            assert count <= 1 + self.decisions[pk]
        extra = self.decisions.total()
        assert self.server.addresses.total() <= len(self.server.addresses) + extra

    @invariant()
    def accepted_means_sent_and_sent_means_accepted(self):
        states = dict(Delivery.objects.values_list("pk", "status"))
        for pk in self.server.accepted:
            known = states[pk] in ("sent", "uncertain", "sending")
            assert known or self.decisions[pk], states[pk]
        sent = {pk for pk, status in states.items() if status == "sent"}
        assert sent <= set(self.server.accepted) | self.counted

    def try_to(self, action):
        """What a person may not do, or not now, he is told."""
        with suppress(MassmailError):
            action()

    def drain(self):
        """All workers are gone; what can be mended is, and time passes."""
        for worker in self.workers:
            worker.die()
        self.change_owner(is_active=True)
        MailingOut.objects.update(expires_at=None)
        for number in range(len(self.accounts)):
            self.give_account_away(number, owned=True)
        for _round in range(100):
            self.now += LONG
            for number in range(len(self.accounts)):
                self.activate_account(number)
            self.mailing.refresh_from_db()
            self.click(lifecycle.resume)
            self.walk()
            self.work_for_a_while()
            if not Delivery.objects.filter(status="queued").exists():
                break
        self.the_ledger_is_clean()
        self.nobody_is_mailed_twice_but_by_decision()
        states = set(Delivery.objects.values_list("status", flat=True))
        assert states <= {"sent", "failed", "skipped", "uncertain"}

    def work_for_a_while(self):
        for worker in self.workers:
            for _step in range(8 * RECIPIENTS):
                worker.step(ACCEPTED, self.now)
            worker.end()


def try_orders(examples: int, steps: int, *, derandomize: bool = False) -> None:
    """`derandomize`: the same orders in each run of the suite."""
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            database=None,
            # The steps themselves say what happened; shrinking takes minutes.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


# A step is a hundred queries: slow only where the machine is busy.
@pytest.mark.timeout(900)
def test_some_orders_of_events():
    try_orders(5, 25, derandomize=True)


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_many_orders_of_events():
    try_orders(EXAMPLES, 60)
