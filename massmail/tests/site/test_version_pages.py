"""Versions of a message, its copy, and the question for those who still wait."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from massmail.models import EmlMessage, MailingOut
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.revising import revise
from massmail.orchestrator.trial import Reader, send_test
from massmail.recipients.source import Recipient
from massmail.tests.factories import (
    AttachmentFactory,
    EmailAccountFactory,
    EmlMessageFactory,
)
from massmail.tests.mailings import draft, ready_settings
from massmail.tests.site.conftest import page


@pytest.fixture
def running(owner) -> MailingOut:
    ready_settings()
    EmailAccountFactory(owner=owner)
    return launch(draft(owner), by=owner)


def save(client, message, **changes):
    data = {
        "subject": message.subject,
        "content": message.content,
        "attachments-TOTAL_FORMS": 0,
        "attachments-INITIAL_FORMS": 0,
    }
    return client.post(page(message), data | changes)


def test_an_edit_asks_about_the_recipients_still_waiting(browser, owner, running):
    client = browser(owner)

    response = save(client, running.message, subject="Corrected", _save="1")
    asked = client.get(response.url)

    assert response.url == page(running.message, "waiting")
    html = asked.content.decode()
    assert "3 recipients are still waiting" in html
    assert "<ins>+ Corrected</ins>" in html
    running.refresh_from_db()
    assert running.version.subject != "Corrected"


def test_yes_gives_them_the_new_text(browser, owner, running):
    client = browser(owner)
    save(client, running.message, subject="Corrected", _save="1")

    response = client.post(page(running.message, "waiting"), {"mailing": running.pk})

    running.refresh_from_db()
    assert running.version.subject == "Corrected"
    assert response.url == page(running.message)
    assert "Nobody waits for another text" in (
        client.get(page(running.message, "waiting")).content.decode()
    )


def test_who_looks_at_the_preview_first_is_asked_there(browser, owner, running):
    client = browser(owner)

    response = save(client, running.message, subject="Corrected", _preview="1")
    seen = client.get(response.url)

    assert response.url == page(running.message, "preview")
    assert f'href="{page(running.message, "waiting")}"' in seen.content.decode()


def test_an_edit_without_a_change_asks_nothing(browser, owner, running):
    response = save(browser(owner), running.message, _save="1")

    assert "waiting" not in response.url


def test_a_new_text_that_could_not_be_launched_is_refused(browser, owner, running):
    client = browser(owner)
    save(client, running.message, content="<p>No link</p>", _save="1")

    response = client.post(page(running.message, "waiting"), {"mailing": running.pk})

    assert response.status_code == 200
    assert "no link to {{ unsubscribe_url }}" in response.content.decode()
    running.refresh_from_db()
    assert "No link" not in running.version.content


def lose_a_file(running, settings, tmp_path) -> None:
    """The storage has lost a file that was added after the launch."""
    settings.MEDIA_ROOT = str(tmp_path)
    attachment = AttachmentFactory(message=running.message)
    attachment.file.storage.delete(attachment.file.name)


LOST = "A picture or file is missing from the storage."


def test_a_message_whose_file_is_lost_can_be_saved(
    browser, owner, running, settings, tmp_path
):
    lose_a_file(running, settings, tmp_path)
    [attachment] = running.message.attachments.all()
    kept = {
        "attachments-TOTAL_FORMS": 1,
        "attachments-INITIAL_FORMS": 1,
        "attachments-0-id": attachment.pk,
        "attachments-0-message": running.message.pk,
        "attachments-0-filename": attachment.filename,
    }

    response = save(
        browser(owner), running.message, subject="Corrected", _save="1", **kept
    )

    assert response.status_code == 302
    assert LOST in [str(m) for m in get_messages(response.wsgi_request)]
    running.message.refresh_from_db()
    assert running.message.subject == "Corrected"


def test_the_pages_of_versions_say_that_a_file_is_lost(
    browser, owner, running, settings, tmp_path
):
    lose_a_file(running, settings, tmp_path)
    client = browser(owner)

    for name in ("versions", "waiting"):
        response = client.get(page(running.message, name))
        html = response.content.decode()
        assert (response.status_code, LOST in html) == (200, True)
        assert "still says this" not in html
        assert "Nobody waits" not in html


def test_a_text_whose_file_is_lost_is_given_to_nobody(
    browser, owner, running, settings, tmp_path
):
    lose_a_file(running, settings, tmp_path)
    version = running.version

    response = browser(owner).post(
        page(running.message, "waiting"), {"mailing": running.pk}
    )

    assert response.status_code == 200
    assert LOST in response.content.decode()
    running.refresh_from_db()
    assert running.version == version


@pytest.mark.parametrize("key", ["", "x", "0", "9" * 30])
def test_nonsense_changes_nothing(browser, owner, running, key):
    client = browser(owner)
    save(client, running.message, subject="Corrected", _save="1")

    response = client.post(page(running.message, "waiting"), {"mailing": key})

    assert response.status_code in (200, 302)
    running.refresh_from_db()
    assert running.version.subject != "Corrected"


def test_a_strangers_message_is_not_found(browser, colleague, running):
    client = browser(colleague)

    for kind in ("waiting", "versions"):
        assert client.get(page(running.message, kind)).status_code == 404
    assert client.post(page(running.message, "waiting")).status_code == 404
    assert client.post(page(running.message, "copy")).status_code == 404


def test_the_versions_tell_who_got_what(browser, owner, running):
    message = running.message
    message.subject = "Later"
    message.save()
    send_test(
        message,
        by=owner,
        account=owner.massmail_emailaccount_set.get(),
        readers=[Reader("anna@example.com")],
        recipient=Recipient("", "x@example.com"),
    )

    html = browser(owner).get(page(message, "versions")).content.decode()

    assert html.count("mm-version-") == 4  # each section and its heading
    assert "1 test" in html
    assert "recipients have got it" not in html
    assert page(running) in html
    assert "The message still says this." in html
    assert "<ins>+ Later</ins>" in html


def test_a_version_names_the_mailing_that_gives_a_later_one_by_now(
    browser, owner, running
):
    running.deliveries.update(version=running.version, attempts=1)
    message = running.message
    message.subject = "Corrected"
    message.save()
    revise(running, by=owner)
    other = MailingOut.objects.create(
        owner=owner,
        message=message,
        content_type=running.content_type,
        version=running.version,
        name="Another",
    )

    html = browser(owner).get(page(message, "versions")).content.decode()

    assert html.count(f'href="{page(running)}"') == 2
    assert html.count(f'href="{page(other)}"') == 1


def test_who_has_got_a_version_is_counted_along_an_index(
    browser, owner, running, plans
):
    running.deliveries.filter(pk__gt=running.deliveries.earliest("pk").pk).update(
        status="sent", version=running.version
    )
    client = browser(owner)

    found = plans(lambda: client.get(page(running.message, "versions")), "COUNT(")

    html = client.get(page(running.message, "versions")).content.decode()
    assert "2 recipients have got it" in html
    assert len(found) == 2
    assert all("mailing_id" in plan or "delivery_tests" in plan for plan in found)


def test_a_message_that_was_never_sent_has_no_versions(browser, owner):
    message = EmlMessageFactory(owner=owner)

    html = browser(owner).get(page(message, "versions")).content.decode()

    assert "neither launched nor tested" in html


def test_a_copy_is_made_by_a_click(browser, owner):
    message = EmlMessageFactory(owner=owner, subject="Original")
    client = browser(owner)

    assert page(message, "copy") in client.get(page(message)).content.decode()
    assert client.get(page(message, "copy")).status_code == 405
    response = client.post(page(message, "copy"))

    copy = EmlMessage.objects.exclude(pk=message.pk).get()
    assert response.url == page(copy)
    assert [str(text) for text in get_messages(response.wsgi_request)] == [
        "This is your copy. The original stays as it is."
    ]


def test_who_may_not_write_messages_may_not_copy_one(browser, superuser, owner):
    message = EmlMessageFactory(owner=owner)
    owner.user_permissions.set(
        owner.user_permissions.filter(codename="view_emlmessage")
    )

    browser(owner).post(page(message, "copy"))

    assert EmlMessage.objects.count() == 1
