"""Links whose clicks are noted: those of a launched message, and named ones."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.models import Owned, Timestamped
from massmail.models.eml_message import MessageVersion

WEB_ADDRESS = URLValidator(schemes=["http", "https"])


def new_code() -> str:
    """16 URL-safe characters that nobody guesses; with a token behind them an address
    stays below 200 characters."""
    return secrets.token_urlsafe(12)


class NamedLink(Owned, Timestamped):
    """A link that many messages share: it leads somewhere, or says something.

    It is written into a message as its public address. Its target may change later,
    for mails that are out already, too.
    """

    class Action(models.TextChoices):
        REDIRECT = "redirect", _("open a page")
        MESSAGE = "message", _("show a message")

    name = models.CharField(_("name"), max_length=200)
    slug = models.CharField(
        _("word in the address"),
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9]+(-[a-z0-9]+)*\Z",
                _("Small letters, digits and single hyphens between them."),
            )
        ],
        help_text=_("Everybody who reads the mail sees it."),
    )
    action = models.CharField(
        _("what it does"), max_length=10, choices=Action, default=Action.REDIRECT
    )
    url = models.CharField(
        _("page"),
        max_length=2000,
        blank=True,
        validators=[WEB_ADDRESS],
        help_text=_("Where it leads, with https://"),
    )
    message = models.TextField(
        _("message"),
        blank=True,
        help_text=_("Plain text; blank lines make paragraphs."),
    )

    class Meta:
        verbose_name = _("named link")
        verbose_name_plural = _("named links")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        needed = "url" if self.action == self.Action.REDIRECT else "message"
        if not getattr(self, needed).strip():
            raise ValidationError({needed: _("This is what the link needs.")})


class TrackedLink(models.Model):
    """A web address that stood in a message when it was launched.

    Only its code is in the mails, so nobody can make it lead elsewhere.
    """

    version = models.ForeignKey(
        MessageVersion, on_delete=models.PROTECT, related_name="tracked_links"
    )
    # Its place among the links of the HTML, from 0.
    position = models.PositiveIntegerField(_("position"))
    url = models.TextField(_("page"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    named_link = models.ForeignKey(
        NamedLink,
        verbose_name=_("named link"),
        on_delete=models.PROTECT,
        null=True,
        related_name="tracked_links",
    )
    code = models.CharField(max_length=16, unique=True, default=new_code)

    class Meta:
        verbose_name = _("tracked link")
        verbose_name_plural = _("tracked links")
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="tracked_link_per_position"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.url
