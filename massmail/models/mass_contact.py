"""The mailing identity of a host's record."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _


class MassContactQuerySet(models.QuerySet["MassContact"]):
    def set_all(
        self, content_type_id: int, object_ids: Iterable[str], **values: bool
    ) -> None:
        """Give the identities of these records the values, making those that lack."""
        self.bulk_create(
            [
                self.model(
                    content_type_id=content_type_id, object_id=object_id, **values
                )
                for object_id in object_ids
            ],
            update_conflicts=True,
            unique_fields=["content_type", "object_id"],
            update_fields=list(values),
        )


class MassContact(models.Model):
    """What massmail knows of a contact, company or lead: consent, VIP, its account.

    Opt-out has an order: a suppressed address wins over `subscribed`, which wins
    over the host's own flag.
    """

    content_type = models.ForeignKey(
        ContentType,
        verbose_name=_("type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # see mass_contact_per_record
        # A type is never deleted by other means than the ORM, which looks here.
        db_constraint=False,
    )
    object_id = models.CharField(_("record"), max_length=64)
    content_object = GenericForeignKey()
    email_account = models.ForeignKey(
        "massmail.EmailAccount",
        verbose_name=_("email account"),
        help_text=_("Later mailings keep to this account where its owner may use it."),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mass_contacts",
        # Only deleting an account asks for its identities, and that is the ORM's: with
        # neither an index nor a constraint a launch binds them in place.
        db_index=False,
        db_constraint=False,
    )
    is_vip = models.BooleanField(
        _("VIP"), default=False, help_text=_("Is mailed from the main account only.")
    )
    subscribed = models.BooleanField(_("subscribed"), default=True)
    allows_tracking = models.BooleanField(
        _("opens and clicks may be noted"),
        default=True,
        help_text=_("Where the settings and the mailing want it at all."),
    )
    # Nobody looks for it: an index would be written for each new identity.
    uuid = models.UUIDField(_("UUID"), default=uuid.uuid4, editable=False)

    objects = MassContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailing identity")
        verbose_name_plural = _("mailing identities")
        constraints = [
            models.UniqueConstraint(
                fields=["content_type", "object_id"], name="mass_contact_per_record"
            )
        ]
        indexes = [
            models.Index(
                fields=["content_type", "object_id"],
                condition=models.Q(subscribed=False),
                name="mass_contact_opted_out",
            ),
        ]

    def __str__(self) -> str:
        return str(self.content_object or self.object_id)
