"""Abstract bases of models that belong to somebody and remember when they changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Timestamped(models.Model):
    """Knows when it was created and last saved."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True


class Owned(models.Model):
    """Belongs to a user and, for the eyes of a chief, to a department.

    The owner is protected: what a leaving colleague owns is handed over by a
    person, it never vanishes with the account.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)s_set",
    )
    department = models.ForeignKey(
        "auth.Group",
        verbose_name=_("department"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        abstract = True
