"""Files leave the storage with their rows, and not before the commit."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.db import transaction

from massmail.models import Attachment, LibraryImage
from massmail.tests.factories import AttachmentFactory, LibraryImageFactory


@pytest.fixture(autouse=True)
def media(settings, tmp_path, db):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def stored(media):
    """How many files there are."""
    return lambda: sum(path.is_file() for path in media.rglob("*"))


@pytest.mark.parametrize("factory", [AttachmentFactory, LibraryImageFactory])
def test_a_deleted_row_takes_its_file_along(
    factory, stored, django_capture_on_commit_callbacks
):
    row = factory()

    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
        assert stored() == 1

    assert stored() == 0


def test_rows_that_are_deleted_with_their_message_do_so_too(
    stored, django_capture_on_commit_callbacks
):
    message = AttachmentFactory().message
    AttachmentFactory(message=message)

    with django_capture_on_commit_callbacks(execute=True):
        message.delete()

    assert stored() == 0


def test_a_replaced_file_goes_and_the_new_one_stays(
    stored, django_capture_on_commit_callbacks
):
    image = LibraryImageFactory()
    before = image.file.name

    with django_capture_on_commit_callbacks(execute=True):
        image.file = ContentFile(b"new", name="new.png")
        image.save()

    assert stored() == 1
    assert not image.file.storage.exists(before)
    with LibraryImage.objects.get().file.open() as file:
        assert file.read() == b"new"


def test_saving_anything_else_keeps_the_file(
    stored, django_capture_on_commit_callbacks
):
    attachment = AttachmentFactory()

    with django_capture_on_commit_callbacks(execute=True):
        attachment.filename = "other.txt"
        attachment.save()
        attachment.save(update_fields=["filename"])

    assert stored() == 1


def test_a_file_that_another_row_has_stays(stored, django_capture_on_commit_callbacks):
    attachment = AttachmentFactory()
    copy = Attachment.objects.get(pk=attachment.pk)
    copy.pk = None
    copy.save()

    with django_capture_on_commit_callbacks(execute=True):
        attachment.delete()
    assert stored() == 1

    with django_capture_on_commit_callbacks(execute=True):
        copy.delete()
    assert stored() == 0


def test_a_rollback_keeps_the_file(stored, django_capture_on_commit_callbacks):
    attachment = AttachmentFactory()

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        attachment.delete()
        transaction.set_rollback(True)

    assert stored() == 1
    assert Attachment.objects.exists()
