"""The form of a mailbox: secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.backends.hosts import (
    ascii_host,
    is_ip_address,
    is_local_name,
    is_loopback,
    is_private,
)
from massmail.backends.oauth2 import provider_named, providers
from massmail.backends.oauth2.base import Provider
from massmail.backends.phases import SmtpFailure
from massmail.backends.presets import PRESETS, preset_choices
from massmail.conf import conf
from massmail.forms.mailbox_reading import (
    READING_HELP,
    reading_errors,
    take_imap_server,
)
from massmail.models import EmailAccount

# What providers take mail from clients at, and 2525, where many offer it besides.
MAIL_PORTS = frozenset({25, 465, 587, 2525})
IMAP_PORTS = frozenset({143, 993})
HOST_FIELDS = ("email_host", "imap_host")
GAP_FIELDS = ("min_gap_seconds", "max_gap_seconds")
# With another of these an account's secrets would be shown to somebody else.
WHOSE_SECRETS = frozenset({"owner", *HOST_FIELDS})


def login_choices() -> list[tuple[str, str | Promise]]:
    """The login methods that an account can have."""
    return [
        (EmailAccount.NO_AUTH, _("none")),
        (EmailAccount.PASSWORD, _("password")),
        *((name, provider_choice(provider)) for name, provider in providers().items()),
    ]


def provider_choice(provider: Provider) -> str:
    if provider.is_configured:
        return provider.label
    text = gettext("%(provider)s (this site is not registered there)")
    return text % {"provider": provider}


class EmailAccountForm(OwnedModelForm):
    """Blank keeps the stored password; nothing of it reaches the page."""

    preset = forms.ChoiceField(
        label=_("Provider"),
        choices=preset_choices,
        required=False,
        help_text=_(
            "Choosing one fills in server, login and limits as far as you leave those "
            "fields as they are."
        ),
    )
    auth = forms.ChoiceField(
        label=_("Login"), choices=login_choices, initial=EmailAccount.PASSWORD
    )
    email_host_password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Stored encrypted and never shown. Blank keeps the stored one."),
    )
    clear_password = forms.BooleanField(
        label=_("Forget the stored password"), required=False
    )

    class Meta:
        model = EmailAccount
        fields = [
            "owner",
            "co_owner",
            "department",
            "name",
            "from_name",
            "from_email",
            "reply_to",
            "is_main",
            "for_massmail",
            "preset",
            "email_host",
            "email_port",
            "security",
            "auth",
            "email_host_user",
            "email_host_password",
            "per_minute",
            "per_hour",
            "per_day",
            "per_domain_hour",
            "warm_up_start",
            "warm_up_growth",
            "min_gap_seconds",
            "max_gap_seconds",
            "max_connections",
            "imports_mail",
            "imap_host",
            "imap_port",
        ]
        labels = {
            "warm_up_start": _("Warm-up: messages on the first day"),
            "warm_up_growth": _("and more each day"),
        }
        help_texts = {
            "per_minute": _("No limit when blank."),
            "per_hour": _("No limit when blank."),
            "min_gap_seconds": _("Seconds between two messages, at least."),
            "max_gap_seconds": _("Seconds at most; each gap is chosen at random."),
            **READING_HELP,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a provider filled in counts as changed, too.
        self.taken: set[str] = set()
        # What is written down for the person, and leads to nobody else.
        self.filled: set[str] = set()
        # The stored password, because of who would learn it.
        self.is_forgotten = False
        # Not even as an initial value: a blank field is then an unchanged one.
        self.initial.pop("email_host_password", None)
        if not self.has_password and "email_host_password" in self.fields:
            text = _("Stored encrypted and never shown.")
            self.fields["email_host_password"].help_text = text
        # A provider fills in the one, its default the other; who only sees the account
        # has no such fields.
        for name in {"email_host", "warm_up_growth"} & set(self.fields):
            self.fields[name].required = False

    @property
    def has_password(self) -> bool:
        return bool(self.instance.email_host_password)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("warm_up_growth") is None:
            cleaned["warm_up_growth"] = self.instance.warm_up_growth
        self.take_preset(cleaned)
        if take_imap_server(cleaned):
            self.filled.add("imap_host")
        self.keep_password(cleaned)
        self.check_login(cleaned)
        self.check_gaps(cleaned)
        self.check_server(cleaned, "email_host", "email_port", MAIL_PORTS)
        for name, error in reading_errors(cleaned):
            self.add_error(name, error)
        self.check_server(cleaned, "imap_host", "imap_port", IMAP_PORTS)
        self.check_provider(cleaned)
        return cleaned

    def take_preset(self, cleaned: dict[str, Any]) -> None:
        """The provider's values where nothing else was entered together with it."""
        preset = PRESETS.get(cleaned.get("preset", ""))
        if preset is not None and "preset" in self.changed_data:
            entered = super().changed_data
            taken = {
                name: value
                for name, value in preset.fields.items()
                if name not in entered and name in self.fields
            }
            self.taken = {
                name for name in taken if taken[name] != self.initial.get(name)
            }
            cleaned |= taken
        if "email_host" in cleaned and not cleaned["email_host"]:
            text = _("Enter the server's name, or choose a provider above.")
            self.add_error("email_host", text)

    @property
    def is_another_mailbox(self) -> bool:
        """Tokens that were given for the account as it was are of no use."""
        return bool({"from_email", "auth", *WHOSE_SECRETS}.intersection(self.entered))

    def keep_password(self, cleaned: dict[str, Any]) -> None:
        """Blank keeps the stored one, for the servers and the owner that it is for."""
        if cleaned.get("clear_password"):
            if cleaned.get("email_host_password"):
                self.add_error(
                    "clear_password", _("Either enter a password or forget it.")
                )
            cleaned["email_host_password"] = ""
        elif not cleaned.get("email_host_password"):
            stored = self.instance.email_host_password
            self.is_forgotten = bool(stored) and self.is_for_others(cleaned)
            cleaned["email_host_password"] = "" if self.is_forgotten else stored
            if self.is_forgotten:
                self.taken.add("email_host_password")

    def is_for_others(self, cleaned: dict[str, Any]) -> bool:
        """Who may change the account must not learn its password by a server of his."""
        changed = WHOSE_SECRETS.intersection(self.entered)
        return any(cleaned.get(name) for name in changed)

    def check_login(self, cleaned: dict[str, Any]) -> None:
        """A password is given, and goes over an open line to this machine only."""
        if cleaned.get("auth") != EmailAccount.PASSWORD:
            return
        if not cleaned.get("email_host_user"):
            self.add_error("email_host_user", _("This login needs a user name."))
        if not cleaned.get("email_host_password"):
            self.ask_for_password()
        host = cleaned.get("email_host", "")
        if cleaned.get("security") == EmailAccount.Security.NONE and not is_this_host(
            host
        ):
            self.add_error(
                "security",
                _("A password is sent over STARTTLS or TLS only. Choose one of them."),
            )

    def ask_for_password(self) -> None:
        if not self.is_forgotten:
            self.add_error("email_host_password", _("This login needs a password."))
        elif set(HOST_FIELDS).intersection(self.entered):
            text = _("Enter the password again: it was given for another server.")
            self.add_error("email_host_password", text)
        # A new owner brings his own; who hands the account over does not know it.

    def check_gaps(self, cleaned: dict[str, Any]) -> None:
        """The model says it, too, but not beside the field."""
        gaps = [cleaned[name] for name in GAP_FIELDS if cleaned.get(name) is not None]
        if gaps != sorted(gaps):
            text = _("The longest gap must not be shorter than the shortest.")
            self.add_error("max_gap_seconds", text)

    def check_provider(self, cleaned: dict[str, Any]) -> None:
        """A provider's tokens are for its servers."""
        provider = provider_named(cleaned.get("auth", ""))
        for name in HOST_FIELDS:
            host = cleaned.get(name)
            if provider and host and not provider.serves(host):
                text = _("This is no server of %(provider)s, which the login is for.")
                self.add_error(name, text % {"provider": provider})

    def check_server(
        self, cleaned: dict[str, Any], host: str, port: str, ports: frozenset[int]
    ) -> None:
        """Says early what the connection would refuse; names are resolved then."""
        if not cleaned.get(host):
            return
        if not is_host_name(cleaned[host]):
            self.add_error(host, _("Enter the server's name alone."))
        elif not conf.ALLOW_PRIVATE_HOSTS:
            self.check_reach(cleaned, host, port, ports)

    def check_reach(
        self, cleaned: dict[str, Any], host: str, port: str, ports: frozenset[int]
    ) -> None:
        if is_private(cleaned[host]):
            self.add_error(
                host, _("This server is inside a network and must not be used.")
            )
        if port in cleaned and cleaned[port] not in ports:
            allowed = ", ".join(str(number) for number in sorted(ports))
            text = _("Mail servers answer at one of these ports: %(ports)s.")
            self.add_error(port, text % {"ports": allowed})

    @property
    def entered(self) -> set[str]:
        """What changes by the person's will."""
        return set(self.changed_data) - self.filled

    @property
    def changed_data(self) -> list[str]:
        """With what changes though its field was left alone."""
        changed = [*super().changed_data, *sorted(self.taken | self.filled)]
        if "clear_password" in changed and "email_host_password" not in changed:
            changed.append("email_host_password")
        return changed


def is_host_name(text: str) -> bool:
    """No URL, no port; whether it exists is the resolver's to say."""
    try:
        name = ascii_host(text)
    except SmtpFailure:
        return False
    return is_ip_address(name) or not set(name) & set("/:@")


def is_this_host(host: str) -> bool:
    return is_local_name(host) or (is_ip_address(host) and is_loopback(host))
