"""Servers and safe limits of well-known providers, with the page that states them.

Limits are the provider's own where one is published, else a guess (`is_guess`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Preset:
    """What an account takes over when its provider is chosen."""

    name: str
    label: str | Promise
    email_host: str
    source: str
    email_port: int = 587
    security: str = "starttls"
    imap_host: str = ""
    auth: str = "password"
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    max_connections: int = 1
    is_guess: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """{account's field: value} of what the provider decides."""
        return {
            "email_host": self.email_host,
            "email_port": self.email_port,
            "security": self.security,
            "imap_host": self.imap_host,
            "auth": self.auth,
            **self.limits,
            "max_connections": self.max_connections,
        }

    @property
    def limits(self) -> dict[str, int]:
        given = {
            "per_minute": self.per_minute,
            "per_hour": self.per_hour,
            "per_day": self.per_day,
        }
        return {name: limit for name, limit in given.items() if limit is not None}


_EXCHANGE_LIMITS = (
    "https://learn.microsoft.com/office365/servicedescriptions/"
    "exchange-online-service-description/exchange-online-limits"
)
_YANDEX_LIMITS = "https://yandex.com/support/mail/web/spam.html"

_PRESETS = (
    Preset(
        "gmail",
        "Gmail",
        "smtp.gmail.com",
        "https://support.google.com/mail/answer/22839",
        imap_host="imap.gmail.com",
        auth="google",
        per_day=500,
    ),
    Preset(
        "google_workspace",
        "Google Workspace",
        "smtp.gmail.com",
        "https://support.google.com/a/answer/166852",
        imap_host="imap.gmail.com",
        auth="google",
        per_day=2000,
    ),
    Preset(
        "exchange_online",
        "Microsoft 365 (Exchange Online)",
        "smtp.office365.com",
        _EXCHANGE_LIMITS,
        imap_host="outlook.office365.com",
        auth="microsoft",
        per_minute=30,
        per_day=10_000,
        max_connections=3,
    ),
    Preset(
        "outlook_com",
        "Outlook.com, Hotmail",
        "smtp-mail.outlook.com",
        "https://support.microsoft.com/office/sending-limits-in-outlook-com-"
        "279ee200-594c-40f0-9ec8-bb6af7735c2e",
        imap_host="outlook.office365.com",
        auth="microsoft",
        per_day=300,
        is_guess=True,
    ),
    Preset(
        "easyname",
        "easyname",
        "smtp.easyname.com",
        "https://www.easyname.com/en/support/email/141-how-many-e-mails-i-can-send-email-limits",
        per_hour=400,
        per_day=1500,
    ),
    Preset(
        "forpsi",
        "Forpsi",
        "smtp.forpsi.com",
        "https://support.forpsi.pl/kb/a1982/wysylanie-duzej-ilosci-wiadomosci-mailing.aspx",
        per_minute=100,
        per_hour=1000,
        per_day=10_000,
    ),
    Preset(
        "gmx",
        "GMX",
        "mail.gmx.net",
        "https://hilfe.gmx.net/pop-imap/imap/index.html",
        imap_host="imap.gmx.net",
        per_hour=50,
        per_day=100,
        is_guess=True,
    ),
    Preset(
        "infomaniak",
        "Infomaniak",
        "mail.infomaniak.com",
        "https://www.infomaniak.com/en/support/faq/2065/understanding-the-24-hour-outgoing-email-limit",
        email_port=465,
        security="tls",
        imap_host="mail.infomaniak.com",
        # Of the smallest plan; 1,440 of the others.
        per_day=500,
    ),
    Preset(
        "ionos",
        "IONOS",
        "smtp.ionos.com",
        "https://www.ionos.com/help/email/general-topics/what-are-the-mass-mailing-limits",
        imap_host="imap.ionos.com",
        # Of the first week; 500 after a month.
        per_hour=50,
    ),
    Preset(
        "ovh",
        "OVHcloud",
        "ssl0.ovh.net",
        "https://help.ovhcloud.com/csm/en-mx-plan-email-generalities",
        email_port=465,
        security="tls",
        imap_host="ssl0.ovh.net",
        per_hour=200,
        is_guess=True,
    ),
    Preset(
        "mail_ru",
        "Mail.ru",
        "smtp.mail.ru",
        "https://help.mail.ru/mail/mailer/popsmtp/",
        email_port=465,
        security="tls",
        imap_host="imap.mail.ru",
        per_hour=50,
        per_day=200,
        is_guess=True,
    ),
    Preset(
        "majordomo",
        "Majordomo",
        "smtp.majordomo.ru",
        "https://www.majordomo.ru/help/instructions/ogranicheniya-po-pochte",
        email_port=465,
        security="tls",
        per_hour=200,
    ),
    Preset(
        "spaceweb",
        "SpaceWeb",
        "smtp.spaceweb.ru",
        "https://help.sweb.ru/entry/22",
        email_port=465,
        security="tls",
        per_minute=60,
        per_hour=500,
    ),
    Preset(
        "yandex",
        "Yandex",
        "smtp.yandex.ru",
        _YANDEX_LIMITS,
        email_port=465,
        security="tls",
        imap_host="imap.yandex.ru",
        per_day=500,
    ),
    Preset(
        "yandex_360",
        "Yandex 360",
        "smtp.yandex.ru",
        _YANDEX_LIMITS,
        email_port=465,
        security="tls",
        imap_host="imap.yandex.ru",
        per_day=3000,
    ),
)
PRESETS = {preset.name: preset for preset in _PRESETS}


def preset_choices() -> list[tuple[str, str | Promise]]:
    return [("", _("another server"))] + [
        (preset.name, preset.label) for preset in _PRESETS
    ]
