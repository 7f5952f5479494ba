"""Lists of recipients that several mailings are made from, and may be left alone."""

from __future__ import annotations

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped


class TargetListQuerySet(models.QuerySet["TargetList"]):
    def active(self) -> TargetListQuerySet:
        return self.filter(retired_at=None)


class TargetList(Owned, Timestamped):
    """Records of several types (static), or what a filter finds of one type.

    Recipients may leave one list and stay in the others. That outlives the list: one
    that a mailing was made from, or that somebody left, is retired instead of deleted.
    """

    class Kind(models.TextChoices):
        STATIC = "static", _("chosen records")
        FILTER = "filter", _("filter")

    name = models.CharField(_("name"), max_length=200)
    public_name = models.CharField(
        _("name for recipients"),
        max_length=200,
        blank=True,
        help_text=_(
            "Who unsubscribes may leave this list alone and sees this name. Without it "
            "everybody unsubscribes from all mailings."
        ),
    )
    kind = models.CharField(
        _("kind"), max_length=6, choices=Kind, default=Kind.STATIC, editable=False
    )
    # Of a filter: the type that it chooses from, and the values of the source's form
    # as an address has them.
    content_type = models.ForeignKey(
        ContentType,
        verbose_name=_("recipients' type"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    query = models.TextField(_("filter"), blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    objects = TargetListQuerySet.as_manager()

    class Meta:
        verbose_name = _("target list")
        verbose_name_plural = _("target lists")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="static", content_type=None)
                | models.Q(kind="filter", content_type__isnull=False),
                name="filter_lists_have_a_type",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def discard(self) -> None:
        """The members go. What people decided about the list stays, and it for that.

        So do those whom a mailing leaves out: a copy of it must not mail them.
        """
        leaves_out = self.excluding_mailings.exists()
        if not leaves_out:
            self.members.all().delete()
        if leaves_out or self.mailings.exists() or self.was_left():
            TargetList.objects.filter(pk=self.pk).update(retired_at=timezone.now())
        else:
            self.delete()

    def was_left(self) -> bool:
        """Also by somebody who has come back: the don't-mail list's history says so."""
        changes = self._meta.apps.get_model("massmail", "SuppressionChange")
        return (
            self.opt_outs.exists()
            or changes._default_manager.filter(target_list=self).exists()
        )


class TargetListMember(models.Model):
    """A record in a static list; whether it may be mailed is asked elsewhere."""

    target_list = models.ForeignKey(
        TargetList, on_delete=models.CASCADE, related_name="members"
    )
    content_type = models.ForeignKey(
        ContentType,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # see target_list_member_once
        # A type is never deleted by other means than the ORM, which looks here.
        db_constraint=False,
    )
    object_id = models.CharField(_("record"), max_length=64)
    added_at = models.DateTimeField(_("added"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("member of a target list")
        verbose_name_plural = _("members of target lists")
        constraints = [
            models.UniqueConstraint(
                # In this order it also finds the lists of a record.
                fields=["content_type", "object_id", "target_list"],
                name="target_list_member_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.content_type_id}/{self.object_id}"
