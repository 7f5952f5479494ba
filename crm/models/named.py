"""What people choose from: little more than a name."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class NamedModel(models.Model):
    """A row of a short list that all colleagues share."""

    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
