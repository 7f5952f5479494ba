"""The page on which a mailing takes over the recipients of others."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from massmail.models import Delivery
from massmail.orchestrator import merging
from massmail.site import merge_page
from massmail.tests.factories import DeliveryFactory, MailingOutFactory
from massmail.tests.site.conftest import page


@pytest.fixture
def pair(owner):
    """Two paused mailings that send the same version, with one recipient each."""
    target = MailingOutFactory(owner=owner, launched=True, status="P", name="first")
    original = MailingOutFactory(
        owner=owner,
        status="P",
        name="second",
        message=target.message,
        version=target.version,
        launched_at=target.launched_at,
    )
    for mailing in (target, original):
        DeliveryFactory(mailing=mailing, email_account__owner=owner)
    return target, original


def told(response):
    return [str(text) for text in get_messages(response.wsgi_request)]


def test_it_offers_what_fits_and_tells_what_it_did(browser, owner, pair):
    target, original = pair
    client = browser(owner)

    assert page(target, "merge") in client.get(page(target)).content.decode()
    html = client.get(page(target, "merge")).content.decode()
    assert "1 recipient would be taken over." in html

    response = client.post(page(target, "merge"), {"mailing": [original.pk]})

    assert told(response) == ["1 recipient was taken over."]
    original.refresh_from_db()
    assert original.merged_into == target
    assert target.deliveries.count() == 2


@pytest.mark.parametrize("keys", [[], ["x"], ["99999"]])
def test_without_a_choice_nothing_is_merged(browser, owner, pair, keys):
    target, original = pair

    response = browser(owner).post(page(target, "merge"), {"mailing": keys})

    assert response.status_code == 200
    assert "Choose the mailings" in response.content.decode()
    original.refresh_from_db()
    assert original.merged_into is None


def test_a_refusal_keeps_what_was_ticked(browser, owner, pair):
    target, original = pair
    Delivery.objects.filter(mailing=original).update(attempts=1)

    data = {"mailing": [original.pk]}
    html = browser(owner).post(page(target, "merge"), data).content.decode()

    assert "was tried already" in html
    assert f'value="{original.pk}" checked' in html
    original.refresh_from_db()
    assert original.merged_into is None


def test_what_is_too_much_for_one_request_goes_on(browser, owner, pair, monkeypatch):
    """A time of nothing is up after the first part, which here is a single row."""
    target, original = pair
    DeliveryFactory(mailing=original, email_account__owner=owner)
    monkeypatch.setattr(merging, "CHUNK", 1)
    monkeypatch.setattr(merge_page, "SECONDS_AT_ONCE", 0)
    client, data = browser(owner), {"mailing": [original.pk], "leave_tried": "on"}

    first = client.post(page(target, "merge"), data)
    last = client.post(page(target, "merge"), data)

    assert "data-goes-on" in first.text
    assert f'value="{original.pk}" checked' in first.text
    assert "1 is still to be taken over" in first.text
    assert last["Location"] == page(target)
    original.refresh_from_db()
    assert original.merged_into == target
    assert target.deliveries.count() == 3


def test_a_refusal_does_not_go_on(browser, owner, pair):
    target, original = pair
    Delivery.objects.filter(mailing=original).update(attempts=1)

    response = browser(owner).post(page(target, "merge"), {"mailing": [original.pk]})

    assert "data-goes-on" not in response.text


def test_a_colleague_merges_nothing(browser, colleague, pair):
    target, original = pair
    mine = MailingOutFactory(owner=colleague, launched=True, status="P")
    client = browser(colleague)

    assert client.get(page(target, "merge")).status_code in (302, 404)
    client.post(page(target, "merge"), {"mailing": [original.pk]})
    client.post(page(mine, "merge"), {"mailing": [original.pk]})

    original.refresh_from_db()
    assert original.merged_into is None
    assert mine.deliveries.count() == 0


def test_who_only_sees_a_mailing_cannot_merge_it(browser, superuser, owner, pair):
    target, _original = pair
    owner.user_permissions.clear()

    assert browser(owner).get(page(target, "merge")).status_code != 200
