"""A database that was restarted since the last request costs no recipient an error."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.urls import reverse

from massmail.models import SuppressedAddress
from massmail.patience import reconnecting
from massmail.tests.factories import DeliveryFactory
from massmail.tracking.public_links import OPEN, UNSUBSCRIBE, personal_url

pytestmark = pytest.mark.django_db(transaction=True)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def delivery():
    return DeliveryFactory(status="sent")


def path(page, delivery):
    return personal_url(
        page, base_url="", delivery_id=delivery.pk, address_key=delivery.address_key
    )


def lose_connection():
    """As the server ends it; nobody is told before the next use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    given = connection.get_connection_params()
    named = {name: given[name] for name in ("host", "port", "user", "dbname")}
    with psycopg.connect(**named, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


@pytest.mark.services
@pytest.mark.parametrize("page", [OPEN, UNSUBSCRIBE])
def test_what_is_read_is_shown(client, delivery, page):
    lose_connection()

    assert client.get(path(page, delivery)).status_code == 200


@pytest.mark.services
def test_a_one_click_request_is_heard(client, delivery):
    lose_connection()

    response = client.post(path(UNSUBSCRIBE, delivery), ONE_CLICK)

    assert response.status_code == 200
    assert SuppressedAddress.objects.get().address_key == delivery.address_key


@pytest.mark.services
def test_the_page_for_everybody_is_shown(client):
    lose_connection()

    assert client.get(reverse("massmail_public:unsubscribed")).status_code == 200


class Failing:
    """Works after so many faults."""

    def __init__(self, faults: int) -> None:
        self.faults, self.calls = faults, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.faults:
            raise OperationalError("the database is locked")
        return "done"


def test_a_fault_on_a_good_connection_is_not_repeated():
    connection.ensure_connection()
    work = Failing(1)

    with pytest.raises(OperationalError):
        reconnecting(work)

    assert work.calls == 1


@pytest.mark.parametrize(("faults", "calls"), [(0, 1), (1, 2), (2, 2)])
def test_a_lost_connection_is_replaced_once(monkeypatch, faults, calls):
    connection.ensure_connection()
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    work = Failing(faults)

    if faults > 1:
        with pytest.raises(OperationalError):
            reconnecting(work)
    else:
        assert reconnecting(work) == "done"

    assert work.calls == calls


def test_inside_of_a_transaction_nothing_is_repeated(monkeypatch):
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    work = Failing(1)

    with pytest.raises(OperationalError), transaction.atomic():
        reconnecting(work)

    assert work.calls == 1
