"""A message to be personalised, its pictures and attachments, its frozen copies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped
from massmail.models.signature import Signature

# What is wrong with a message's text: {field: errors}.
TextCheck = Callable[["EmlMessage"], dict[str, list[ValidationError]]]
# Filled when the apps are ready: models stand below the template engine, and know no
# recipients' types.
_text_checks: list[TextCheck] = []


def register_text_check(check: TextCheck) -> None:
    """Let `full_clean()` of every message ask this function, too."""
    if check not in _text_checks:
        _text_checks.append(check)


class EmlMessage(Owned, Timestamped):
    """Subject, HTML and text with variables; what is sent is a `MessageVersion`."""

    subject = models.CharField(_("subject"), max_length=250)
    preheader = models.CharField(
        _("preheader"),
        max_length=250,
        blank=True,
        help_text=_("The line that mailboxes show after the subject."),
    )
    content = models.TextField(_("HTML"), blank=True)
    text = models.TextField(
        _("plain text"),
        blank=True,
        help_text=_("Made from the HTML when blank."),
    )
    signature = models.ForeignKey(
        Signature,
        verbose_name=_("signature"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
    )

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return self.subject

    def clean(self) -> None:
        """Refuses a text that could not be sent, with line and column."""
        errors: dict[str, list[ValidationError]] = {}
        for check in _text_checks:
            for field, found in check(self).items():
                errors.setdefault(field, []).extend(found)
        if errors:
            raise ValidationError(errors)


def random_path(prefix: str, filename: str) -> str:
    """Where a file is stored: nothing of the user's name for it is in the path."""
    return f"massmail/{prefix}/{uuid.uuid4().hex}"


def attachment_path(instance: Any, filename: str) -> str:
    return random_path("attachments", filename)


def image_path(instance: Any, filename: str) -> str:
    return random_path("images", filename)


class Attachment(models.Model):
    """A file that goes with every copy of a message."""

    message = models.ForeignKey(
        EmlMessage, on_delete=models.CASCADE, related_name="attachments"
    )
    file = models.FileField(_("file"), upload_to=attachment_path)
    filename = models.CharField(_("name"), max_length=200)
    mime_type = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.filename


class LibraryImageQuerySet(models.QuerySet["LibraryImage"]):
    def offered_to(self, message: EmlMessage) -> LibraryImageQuerySet:
        """The pictures of the message's owner and of its department."""
        mine = Q(owner_id=message.owner_id)
        if message.department_id:
            mine |= Q(department_id=message.department_id)
        return self.filter(mine)


class LibraryImage(Owned, Timestamped):
    """A picture; `{% cid_<tag> %}` puts it into a message."""

    tag = models.CharField(
        _("tag"),
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9_]*$",
                _("Small letters, digits and underscores, a letter first."),
            )
        ],
        help_text=_("The picture is written as {% cid_TAG %} in a message."),
    )
    filename = models.CharField(_("name"), max_length=200)
    file = models.FileField(_("file"), upload_to=image_path)
    mime_type = models.CharField(max_length=100)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))

    objects = LibraryImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["tag"]

    def __str__(self) -> str:
        return self.tag


class MessageVersion(models.Model):
    """An immutable copy of a message as launched, with all that it is made of."""

    # None: written by the system, as alerts are, or deleted after it was only tested;
    # a mailing keeps its message.
    message = models.ForeignKey(
        EmlMessage, on_delete=models.SET_NULL, null=True, related_name="versions"
    )
    subject = models.CharField(_("subject"), max_length=250)
    preheader = models.CharField(_("preheader"), max_length=250, blank=True)
    content = models.TextField(_("HTML"), blank=True)
    text = models.TextField(_("plain text"), blank=True)
    signature = models.TextField(_("signature"), blank=True)
    signature_is_html = models.BooleanField(default=False)
    # How the copies are tracked, as it was decided at the launch.
    tracks_opens = models.BooleanField(_("notes opens"), default=False)
    tracks_clicks = models.BooleanField(_("notes clicks"), default=False)
    utm = models.CharField(_("UTM parameters"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("frozen"), auto_now_add=True)

    class Meta:
        verbose_name = _("message version")
        verbose_name_plural = _("message versions")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.subject


class VersionPart(models.Model):
    """A picture or an attachment of a version: the bytes themselves.

    Kept in the database, so that a version commits as a whole and sending hosts
    need no shared folder.
    """

    version = models.ForeignKey(
        MessageVersion, on_delete=models.CASCADE, related_name="parts"
    )
    tag = models.CharField(max_length=50, blank=True)
    filename = models.CharField(max_length=200)
    mime_type = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("part of a version")
        verbose_name_plural = _("parts of versions")

    def __str__(self) -> str:
        return self.filename
