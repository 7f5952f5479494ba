"""A proxy, so that massmail's row has its own place: Home › Settings."""

from __future__ import annotations

from massmail.models import MassmailSettings as Row


class MassmailSettings(Row):
    """The same one row; massmail itself does not know this app."""

    class Meta:
        proxy = True
        # None for a model's options that are not read yet; these are.
        verbose_name = Row._meta.verbose_name  # type: ignore[assignment]
        verbose_name_plural = Row._meta.verbose_name_plural  # type: ignore[assignment]
