"""What was launched is what is sent, whatever is edited or deleted afterwards."""

from __future__ import annotations

import email
from email import policy

import pytest
from django.core.files.base import ContentFile

from massmail.models import (
    Attachment,
    EmlMessage,
    LibraryImage,
    MessageVersion,
    Signature,
    VersionPart,
)
from massmail.orchestrator.compiling import freeze, source_of_message, source_of_version
from massmail.orchestrator.lifecycle import launch
from massmail.tests.factories import (
    AttachmentFactory,
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import account_at, draft, ready_settings, send_all
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db

CONTENT = (
    '<p>Hello</p><img src="{% cid_logo %}" alt="logo">'
    "<p>{{ postal_address }} "
    '<a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def rich():
    """A message with all that a version is made of."""
    anna = UserFactory()
    message = EmlMessageFactory(
        owner=anna,
        subject="As launched",
        preheader="Look inside",
        content=CONTENT,
        signature=SignatureFactory(owner=anna, content="Anna, as launched"),
    )
    LibraryImageFactory(owner=anna, tag="logo")
    AttachmentFactory(message=message)
    return message


def edit_everything(message):
    """Later edits by queries, as any client of the database could make them."""
    EmlMessage.objects.update(
        subject="Edited", preheader="Edited", content="<p>Edited</p>", signature=None
    )
    Signature.objects.all().delete()
    for file in (*LibraryImage.objects.all(), *Attachment.objects.all()):
        file.file.save("x", ContentFile(b"edited"))
        file.delete()
    message.refresh_from_db()


def test_a_version_is_the_very_source_of_the_message(rich):
    assert source_of_version(freeze(rich)) == source_of_message(rich)


def test_later_edits_do_not_change_a_version(rich):
    expected = source_of_message(rich)
    version = freeze(rich)

    edit_everything(rich)

    assert source_of_version(MessageVersion.objects.get()) == expected
    assert version.parts.count() == 2


def test_later_edits_do_not_change_what_is_sent(rich):
    ready_settings()
    mailing = draft(rich.owner, customers=1)
    mailing.message = rich
    mailing.save()
    with FaultServer() as server:
        account_at(server, rich.owner)
        with LibraryImage.objects.get().file.open("rb") as file:
            picture = file.read()
        launch(mailing, by=rich.owner)
        edit_everything(rich)
        send_all()
        [accepted] = server.accepted

    sent = email.message_from_bytes(accepted.content, policy=policy.default)
    assert sent["Subject"] == "As launched"
    assert "Anna, as launched" in sent.get_body(("plain",)).get_content()
    html = sent.get_body(("html",)).get_content()
    assert "Look inside" in html
    assert "Edited" not in html
    parts = {part.get_filename(): part for part in sent.walk() if part.get_filename()}
    assert parts["picture.png"].get_content() == picture
    assert parts["prices.txt"].get_content() == "prices"


def test_each_launch_has_a_version_of_its_own(rich):
    first = freeze(rich)
    EmlMessage.objects.update(subject="Second")
    second = freeze(EmlMessage.objects.get())

    assert (first.subject, second.subject) == ("As launched", "Second")
    assert VersionPart.objects.count() == 4


def test_pictures_that_are_not_used_are_not_kept(rich):
    LibraryImageFactory(owner=rich.owner, tag="unused")

    assert [part.tag for part in freeze(rich).parts.order_by("pk")] == ["logo", ""]


def test_a_strangers_picture_is_not_taken(rich):
    LibraryImage.objects.update(owner=UserFactory())

    assert [part.tag for part in freeze(rich).parts.all()] == [""]


def test_the_recipients_data_are_those_of_the_hand_over():
    ready_settings()
    mailing = draft(customers=1)
    with FaultServer() as server:
        account_at(server, mailing.owner)
        launch(mailing, by=mailing.owner)
        Customer.objects.update(name="Married Now")
        send_all()
        [accepted] = server.accepted

    sent = email.message_from_bytes(accepted.content, policy=policy.default)
    assert sent["Subject"] == "News for Married Now"
