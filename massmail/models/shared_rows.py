"""Rows that a person edits while workers note down what they do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class SharedWithWorkers(models.Model):
    """A save of an older copy must not bring back what workers wrote meanwhile."""

    # Written by workers at any time; left alone by a save that does not change them.
    WORKERS_FIELDS: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Leaves alone what is the workers' and was not changed since it was read."""
        if not args and "update_fields" not in kwargs and not self._state.adding:
            kwargs["update_fields"] = self._fields_to_save()
        super().save(*args, **kwargs)
        self._loaded = self._workers_values()

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> SharedWithWorkers:
        row = super().from_db(*args, **kwargs)
        row._loaded = row._workers_values()
        return row

    def _fields_to_save(self) -> list[str]:
        loaded = getattr(self, "_loaded", {})
        unchanged = {
            name
            for name, value in self._workers_values().items()
            if loaded.get(name) == value
        }
        left_out = unchanged | self.get_deferred_fields()
        return [
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key
            and field.name not in left_out
            and field.attname not in left_out
        ]

    def _workers_values(self) -> dict[str, Any]:
        return {
            name: self.__dict__[name]
            for name in self.WORKERS_FIELDS
            if name in self.__dict__
        }
