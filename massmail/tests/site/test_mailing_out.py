"""Mailings in the admin: a draft can be changed, what was launched cannot."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.models import Delivery, MailingOut
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmlMessageFactory,
    MailingOutFactory,
)
from massmail.tests.site.conftest import page


@pytest.fixture
def draft(owner):
    return MailingOutFactory(owner=owner, name="spring")


def draft_data(mailing: MailingOut, **changes: object) -> dict[str, object]:
    return {"name": mailing.name, "message": mailing.message_id, **changes}


def test_a_draft_can_be_changed(browser, owner, draft):
    other = EmlMessageFactory(owner=owner)

    browser(owner).post(page(draft), draft_data(draft, name="summer", message=other.pk))

    draft.refresh_from_db()
    assert (draft.name, draft.message) == ("summer", other)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_mistyped_year_is_refused(browser, owner, draft, moment):
    data = draft_data(draft, name="summer", start_at=moment)

    response = browser(owner).post(page(draft), data)

    assert "This is more than ten years away." in response.text
    draft.refresh_from_db()
    assert (draft.name, draft.start_at) == ("spring", None)


def test_a_form_that_was_open_during_the_launch_changes_nothing(
    browser, owner, draft, monkeypatch
):
    """The launch comes after the page was checked and before the form is."""
    from massmail.forms.mailing_out import DraftForm

    full_clean = DraftForm.full_clean

    def launched_meanwhile(form):
        MailingOut.objects.filter(pk=draft.pk).update(status="A", launched_at=NOW)
        full_clean(form)

    monkeypatch.setattr(DraftForm, "full_clean", launched_meanwhile)

    response = browser(owner).post(page(draft), draft_data(draft, name="summer"))

    assert "This mailing was launched meanwhile." in response.content.decode()
    draft.refresh_from_db()
    assert (draft.name, draft.status) == ("spring", "A")


def test_nothing_of_a_launched_mailing_can_be_changed(browser, superuser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True, name="spring")

    browser(superuser).post(page(mailing), draft_data(mailing, name="summer"))

    mailing.refresh_from_db()
    assert mailing.name == "spring"


def test_a_foreign_message_is_refused(browser, owner, draft):
    foreign = EmlMessageFactory()

    response = browser(owner).post(page(draft), draft_data(draft, message=foreign.pk))

    assert "message" in response.context["adminform"].form.errors


def test_expiring_before_the_start_is_refused(browser, owner, draft):
    data = draft_data(
        draft,
        start_at="2027-05-02T10:00",
        expires_at="2027-05-01T10:00",
    )

    response = browser(owner).post(page(draft), data)

    assert response.context["errors"] == [["It must end after it has begun."]]
    # Nothing stands above the mistake, and no forecast of what was only typed.
    assert "mm-panel" in browser(owner).get(page(draft)).text
    assert "mm-panel" not in response.text


def test_a_draft_has_its_times_in_the_words_of_the_launch(browser, owner, draft):
    html = browser(owner).get(page(draft)).text

    assert "Begin:</label>" in html and "End:</label>" in html
    assert "Blank: at once. Times are of the zone UTC." in html


def test_mailings_are_neither_added_nor_deleted_here(browser, superuser, draft):
    client = browser(superuser)

    assert client.get(page(MailingOut, "add")).status_code == 403
    assert client.post(page(draft, "delete"), {"post": "yes"}).status_code == 403
    assert MailingOut.objects.filter(pk=draft.pk).exists()


def test_people_see_their_own_mailings_and_recipients(browser, owner, colleague, draft):
    delivery = DeliveryFactory(mailing=draft, email_account__owner=owner)
    client = browser(colleague)

    assert not client.get(page(MailingOut, "changelist")).context["cl"].result_list
    assert not client.get(page(Delivery, "changelist")).context["cl"].result_list
    assert client.get(page(delivery)).status_code == 302
    assert client.get(page(draft)).status_code == 302


@pytest.mark.parametrize("kind", ["delivery", "messageversion", "sendattempt"])
def test_the_ledger_is_read_only_even_for_superusers(browser, superuser, kind):
    DeliveryFactory()
    client = browser(superuser)

    response = client.get(reverse(f"admin:massmail_{kind}_changelist"))

    assert response.status_code == 200
    assert not response.context["cl"].model_admin.get_actions(response.wsgi_request)
    assert client.get(reverse(f"admin:massmail_{kind}_add")).status_code == 403
