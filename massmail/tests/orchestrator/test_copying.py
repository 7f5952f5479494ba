"""A copy is complete, one's own, and leaves the original alone."""

from __future__ import annotations

import pytest

from massmail.exceptions import WrongState
from massmail.models import Attachment, EmlMessage, LibraryImage
from massmail.orchestrator.compiling import content_of, source_of_message
from massmail.orchestrator.copying import copy_message
from massmail.tests.factories import (
    AttachmentFactory,
    EmlMessageFactory,
    LibraryImageFactory,
    SignatureFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def bo():
    user = UserFactory(username="bo")
    SignatureFactory(owner=user, name="old")
    SignatureFactory(owner=user, name="mine", is_default=True, content="Bo")
    return user


@pytest.fixture
def annas():
    anna = UserFactory(username="anna")
    LibraryImageFactory(owner=anna, tag="logo")
    message = EmlMessageFactory(
        owner=anna,
        preheader="Look",
        text="Text",
        content='<p>x</p><img src="{% cid_logo %}"><img src="{%cid_logo%}">',
        signature=SignatureFactory(owner=anna, content="Anna"),
    )
    AttachmentFactory(message=message)
    return message


def test_a_colleagues_message_becomes_ones_own(annas, bo):
    before = source_of_message(annas)

    copy = copy_message(annas, by=bo)

    assert (copy.owner, copy.signature.content) == (bo, "Bo")
    assert (copy.subject, copy.preheader, copy.text) == (annas.subject, "Look", "Text")
    copy.full_clean()
    assert source_of_message(EmlMessage.objects.get(pk=annas.pk)) == before
    assert annas.signature.content == "Anna"


def test_files_are_copied_not_shared(annas, bo):
    copy = copy_message(annas, by=bo)

    [theirs, mine] = Attachment.objects.order_by("pk")
    assert (mine.message, mine.filename) == (copy, theirs.filename)
    assert mine.file.name != theirs.file.name
    theirs.delete()
    assert content_of(mine.file) == b"prices"


def test_pictures_of_others_come_along_under_new_tags(annas, bo):
    LibraryImageFactory(owner=bo, tag="logo_2")

    copy = copy_message(annas, by=bo)

    mine = LibraryImage.objects.get(tag="logo_3")
    assert mine.owner == bo
    assert copy.content.count("{% cid_logo_3 %}") == 2
    LibraryImage.objects.get(tag="logo").delete()
    [picture] = source_of_message(copy).images
    assert picture.content


def test_ones_own_pictures_stay_the_same(annas):
    copy = copy_message(annas, by=annas.owner)

    assert copy.content == annas.content.replace("{%cid_logo%}", "{% cid_logo %}")
    assert LibraryImage.objects.count() == 1


def test_without_a_default_signature_there_is_none(annas):
    assert copy_message(annas, by=annas.owner).signature is None


def test_a_lost_file_copies_nothing(annas, bo):
    attachment = annas.attachments.get()
    attachment.file.storage.delete(attachment.file.name)

    with pytest.raises(WrongState, match="missing"):
        copy_message(annas, by=bo)

    assert EmlMessage.objects.count() == 1
    assert LibraryImage.objects.count() == 1
