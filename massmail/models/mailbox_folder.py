"""How far a folder of a mailbox has been read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.mailbox import Mailbox


class Role(models.TextChoices):
    """In the order in which they are read."""

    INBOX = "inbox", _("inbox")
    JUNK = "junk", _("junk")
    SENT = "sent", _("sent mail")


class MailboxFolderQuerySet(models.QuerySet["MailboxFolder"]):
    def move_on(self, folder_id: int, *, uid_validity: int, uid: int) -> int:
        """All up to this mail is taken in; never back, whichever worker is late."""
        rows = self.filter(pk=folder_id, uid_validity=uid_validity, last_uid__lt=uid)
        return rows.update(last_uid=uid)

    def begin_anew(
        self, folder_id: int, *, instead_of: int | None, uid_validity: int, uid: int
    ) -> int:
        """The server numbers its mails anew: what was read up to means nothing now."""
        return self.filter(pk=folder_id, uid_validity=instead_of).update(
            uid_validity=uid_validity, last_uid=uid
        )


class MailboxFolder(models.Model):
    """The last mail of it that is taken in (RFC 3501 §2.3.1.1)."""

    Role = Role

    mailbox = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, related_name="folders"
    )
    # As the server spells it, in modified UTF-7.
    name = models.CharField(_("name"), max_length=500)
    role = models.CharField(max_length=5, choices=Role)
    uid_validity = models.PositiveBigIntegerField(null=True)
    last_uid = models.PositiveBigIntegerField(default=0)
    # When nothing was left to be read.
    read_at = models.DateTimeField(_("last read"), null=True)
    # Of this folder alone, while the others can be read.
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    objects = MailboxFolderQuerySet.as_manager()

    class Meta:
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "name"], name="one_position_per_folder"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.last_uid}"
