"""What stops a mailing before it burns a list or a reputation."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import Alert, Delivery, DeliveryEvent, MailingOut
from massmail.models.breakers import check_breakers, stop_mailing, trips
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def mailing():
    return MailingOutFactory(launched=True)


@pytest.fixture
def results(mailing):
    """Adds results, the latest last: "s" spam, "b" bounce, "o" other, "." sent."""
    first = DeliveryFactory(mailing=mailing, status="sent")

    def add(text, start=NOW):
        reasons = {"s": "spam", "b": "bounce", "o": "refused", ".": ""}
        rows = Delivery.objects.count()
        Delivery.objects.bulk_create(
            Delivery(
                mailing=mailing,
                content_type=first.content_type,
                object_id=f"r{rows + number}",
                address_key=f"k{rows + number}",
                status="sent" if letter == "." else "failed",
                reason=reasons[letter],
                not_before=NOW,
                queued_at=NOW,
                result_at=start + number * SECOND,
            )
            for number, letter in enumerate(text)
        )

    return add


def check(mailing):
    return check_breakers(
        mailing, reputation={"spam"}, hard_bounces={"bounce"}, now=NOW
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ss", ""),
        ("sss", "reputation"),
        ("s" + "." * 18 + "s", ""),
        ("s" + "." * 9 + "s" + "." * 8 + "s", "reputation"),
        ("s" + "." * 10 + "s" + "." * 8 + "s", ""),
        (("s" + "." * 15) * 6, "reputation"),
        (("s" + "." * 15) * 5, ""),
        ("s" * 2 + "." * 100, ""),
        ("b" * 5 + "." * 95, ""),
        ("b" * 6 + "." * 94, "hard_bounces"),
        ("b" * 6 + "." * 95, ""),
        ("b" * 6, "hard_bounces"),
        ("o" * 50, ""),
        ("", ""),
    ],
)
def test_the_last_results_decide(mailing, results, text, reason):
    results(text)

    assert check(mailing) == reason

    mailing.refresh_from_db()
    assert mailing.stop_reason == reason
    assert mailing.status == ("E" if reason else "A")
    assert Alert.objects.count() == bool(reason)


def test_what_happened_before_a_person_resumed_does_not_count(mailing, results):
    results("sss")
    mailing.resumed_at = NOW + 10 * SECOND
    mailing.save()

    assert check(mailing) == ""
    results("ss", NOW + 11 * SECOND)
    assert check(mailing) == ""
    results("s", NOW + 20 * SECOND)
    assert check(mailing) == "reputation"


def test_results_of_other_mailings_do_not_count(mailing, results):
    results("sss")

    assert check(MailingOutFactory(launched=True)) == ""


def test_a_mailing_is_stopped_once(mailing):
    assert stop_mailing(mailing.pk, "reputation", now=NOW)
    assert not stop_mailing(mailing.pk, "hard_bounces", now=NOW)

    mailing.refresh_from_db()
    assert (mailing.status, mailing.stop_reason) == ("E", "reputation")
    alert = Alert.objects.get()
    assert alert.recipient == mailing.owner
    assert mailing.name in alert.text


@pytest.fixture
def sent(mailing):
    """Adds mails that were accepted, the latest last; returns their ids."""

    def add(count, start=NOW):
        rows = Delivery.objects.count()
        Delivery.objects.bulk_create(
            Delivery(
                mailing=mailing,
                content_type=mailing.content_type,
                object_id=f"r{rows + number}",
                address_key=f"k{rows + number}",
                status="sent",
                not_before=NOW,
                queued_at=NOW,
                sent_at=start + number * SECOND,
                result_at=start + number * SECOND,
            )
            for number in range(count)
        )
        return list(Delivery.objects.order_by("pk").values_list("pk", flat=True))[rows:]

    return add


def complain(ids, now=NOW):
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            delivery_id=pk,
            kind="complained",
            occurred_at=now,
            source_key=f"{number}:{pk}:{now}",
        )
        for number, pk in enumerate(ids)
    )


@pytest.mark.parametrize(
    ("mails", "complaints", "reason"),
    [
        (10, 2, ""),
        (10, 3, "complaints"),
        (999, 3, "complaints"),
        (1000, 3, ""),
        (1000, 4, "complaints"),
    ],
)
def test_complaints_of_the_last_thousand_decide(
    mailing, sent, mails, complaints, reason
):
    complain(sent(mails)[:complaints])

    assert check(mailing) == reason

    mailing.refresh_from_db()
    assert mailing.stop_reason == reason


def test_a_person_complains_once(mailing, sent):
    first, second, *_others = sent(10)
    complain([first, first, second])

    assert check(mailing) == ""


def test_complaints_about_mails_of_long_ago_do_not_count(mailing, sent):
    complain(sent(4))
    sent(1000, NOW + 60 * SECOND)

    assert check(mailing) == ""


def test_complaints_before_a_person_resumed_do_not_count(mailing, sent):
    ids = sent(10)
    complain(ids[:3])
    mailing.resumed_at = NOW + SECOND
    mailing.save()

    assert check(mailing) == ""
    complain(ids[3:6], NOW + 2 * SECOND)
    assert check(mailing) == "complaints"


@pytest.mark.parametrize("status", ["P", "I", "D"])
def test_what_does_not_send_is_not_stopped(mailing, status):
    MailingOut.objects.update(status=status)

    assert not stop_mailing(mailing.pk, "reputation", now=NOW)

    mailing.refresh_from_db()
    assert (mailing.status, mailing.stop_reason) == (status, "")
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("text", "tripped"),
    [
        ("", False),
        ("1", False),
        ("11", True),
        ("011", False),
        ("0111", True),
        ("01011", True),
        ("010101", False),
    ],
)
def test_a_rule_looks_at_the_last_results(text, tripped):
    """Both of the last two, or three of the last five."""
    latest_first = [letter == "1" for letter in text]

    assert trips(latest_first, ((2, 2), (5, 3))) is tripped


def bounce(ids, detail="hard: bounce: 550 5.1.1", now=NOW):
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            delivery_id=pk,
            kind="bounced",
            occurred_at=now,
            detail=detail,
            source_key=f"b:{pk}:{detail}",
        )
        for pk in ids
    )


def check_near(mailing, pk):
    return check_breakers(
        mailing,
        reputation={"spam"},
        hard_bounces={"bounce"},
        now=NOW,
        near=Delivery.objects.get(pk=pk),
    )


def test_what_came_back_counts_with_what_was_refused(mailing, results, sent):
    results("bbb")
    ids = sent(50, NOW + 60 * SECOND)
    bounce(ids[:2])
    assert check(mailing) == ""
    bounce(ids[2:3])

    assert check(mailing) == "hard_bounces"


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ((0, 1, 2, 3, 4), ""),
        ((0, 1, 2, 3, 4, 99), "hard_bounces"),
        ((0, 1, 2, 3, 4, 100), ""),
        ((500, 510, 520, 530, 540, 599), "hard_bounces"),
        ((599, 510, 520, 530, 540, 500), "hard_bounces"),
        ((500, 510, 520, 530, 540, 600), ""),
        ((994, 995, 996, 997, 998, 999), "hard_bounces"),
    ],
)
def test_bounces_that_come_later_count_among_any_hundred(mailing, sent, places, reason):
    """Hundreds of others have left meanwhile; the last bounce to come decides."""
    ids = sent(1000)
    bounce([ids[place] for place in places])

    assert check_near(mailing, ids[places[-1]]) == reason


@pytest.mark.parametrize(
    "detail", ["forwarded: bounce: 550", "soft: mailbox_full: 552", "", "nonsense"]
)
def test_what_came_back_for_another_reason_does_not_count(mailing, sent, detail):
    ids = sent(10)
    bounce(ids, detail)

    assert check_near(mailing, ids[0]) == ""


def test_two_bounces_of_one_mail_are_one(mailing, sent):
    ids = sent(10)
    bounce(ids[:5])
    bounce(ids[:5], "hard: bounce: again")

    assert check_near(mailing, ids[0]) == ""


def test_a_bounce_of_what_has_no_result_yet_trips_nothing(mailing):
    row = DeliveryFactory(mailing=mailing, status="uncertain")
    bounce([row.pk])

    assert check_near(mailing, row.pk) == ""


def test_results_and_bounces_are_found_along_their_indexes(mailing, sent, plans):
    ids = sent(2000)
    complain(ids[:3])
    bounce(ids, "soft: mailbox_full: 552")
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            delivery_id=pk, kind="opened", occurred_at=NOW, source_key=f"{place}:{pk}"
        )
        for pk in ids
        for place in range(5)
    )

    found = plans(lambda: check_near(mailing, ids[1500]), "SELECT", analysed=True)

    text = "\n".join(found)
    assert text.count("delivery_results") == 2
    assert "events_of_a_delivery" in text or "events_bounced" in text
    assert "events_complained" in text
    assert "SCAN massmail_delivery" not in text
