"""No file outlives its row: what is replaced or deleted leaves the storage, too.

Only after the commit: a transaction that is rolled back keeps its files. Versions of
messages hold their own bytes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import models, transaction
from django.db.models.signals import post_delete, pre_save
from django.dispatch import receiver

from massmail.models.eml_message import Attachment, LibraryImage


@receiver(pre_save, sender=Attachment)
@receiver(pre_save, sender=LibraryImage)
def forget_replaced(
    sender: type[models.Model],
    instance: Any,
    using: str,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **kwargs: Any,
) -> None:
    """The row gets another file: the one before goes."""
    is_written = update_fields is None or "file" in update_fields
    if raw or instance.pk is None or not is_written:
        return
    rows = sender._base_manager.using(using).filter(pk=instance.pk)
    for name in rows.exclude(file="").values_list("file", flat=True):
        if instance.file.name != name or not instance.file._committed:
            discard(sender, instance.file.storage, name, using)


@receiver(post_delete, sender=Attachment)
@receiver(post_delete, sender=LibraryImage)
def forget_deleted(
    sender: type[models.Model], instance: Any, using: str, **kwargs: Any
) -> None:
    if instance.file:
        discard(sender, instance.file.storage, instance.file.name, using)


def discard(model: type[models.Model], storage: Any, name: str, using: str) -> None:
    """On commit; a storage that fails then leaves a file behind, never an error."""
    rows = model._base_manager.using(using).filter(file=name)
    transaction.on_commit(
        partial(delete_unless_used, rows, storage, name), using=using, robust=True
    )


def delete_unless_used(rows: models.QuerySet, storage: Any, name: str) -> None:
    if not rows.exists():
        storage.delete(name)
