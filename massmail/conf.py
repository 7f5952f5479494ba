"""The `MASSMAIL` setting: one typed reader, defaults in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


@dataclass(frozen=True, slots=True)
class MassmailConf:
    """What a deployment decides; what a superuser decides is in the database.

    Times are in seconds.
    """

    # Keys every `address_key`; it must never change.
    ADDRESS_KEY: str = ""
    # Dotted path of the `AccessPolicy` that answers who sees and does what.
    ACCESS_POLICY: str = "massmail.recipients.access.AccessPolicy"
    # The address of the recipients' pages when Massmail Settings leave it blank.
    PUBLIC_BASE_URL: str = ""
    # Refuse to launch while the recipients' pages are not on https.
    REQUIRE_HTTPS: bool = False
    # SMTP and IMAP hosts in private ranges and on loopback, and any port.
    ALLOW_PRIVATE_HOSTS: bool = False
    # {provider: {"CLIENT_ID": …}}: this site's registrations with mailboxes' providers.
    OAUTH: dict[str, dict[str, str]] = field(default_factory=dict)
    # Where staff open this site, for the address to which providers send them back;
    # that of the request when blank.
    STAFF_BASE_URL: str = ""
    # The name given in EHLO; the connection's address literal when blank.
    EHLO_NAME: str = ""

    CONNECT_TIMEOUT: float = 30.0
    COMMAND_TIMEOUT: float = 60.0
    FINAL_DOT_TIMEOUT: float = 600.0
    # For each answer of a provider of OAuth2.
    PROVIDER_TIMEOUT: float = 20.0
    # How long a claimed row or a lane belongs to a silent worker before the dot.
    LEASE_SECONDS: float = 120.0
    # Added to the final dot's time-out in the lease of a row that is being sent.
    LEASE_MARGIN: float = 60.0
    # The dot is not written later than this after the commit that announced it.
    HANDOVER_SECONDS: float = 30.0
    # A run starts no new message after this; the next wake-up goes on.
    RUN_SECONDS: float = 15.0
    # Gaps up to this are waited for on the open connection.
    SHORT_GAP_SECONDS: float = 5.0
    # A row that met a broken connection waits this long for its next turn.
    CONNECTION_RETRY_SECONDS: float = 60.0
    # How long a run goes on trying to write results while the database is away.
    DATABASE_PATIENCE: float = 60.0
    # On SIGTERM the reply to a dot is awaited this long.
    TERM_SECONDS: float = 25.0

    # How often a mailbox is read that gives no trouble.
    MAILBOX_SECONDS: float = 300.0
    # The reading of a mailbox begins nothing new after this; the next time goes on.
    MAILBOX_RUN_SECONDS: float = 15.0
    # How much is read of one mail that may be about one of ours.
    MAILBOX_MAIL_BYTES: int = 2**20
    # Mail that is older is not looked at, unless a mailbox was not read for longer.
    MAILBOX_DAYS: int = 14
    # How many mailboxes a process reads at once.
    MAILBOX_CONNECTIONS: int = 4

    MESSAGES_PER_CONNECTION: int = 50
    CLAIM_BATCH: int = 50
    PREPARE_CHUNK: int = 2000
    # Age of the last heartbeat after which worker or beat count as not running.
    HEARTBEAT_SECONDS: float = 90.0
    # How long preflight asks the DNS about the sender's domain; 0: it does not ask.
    DNS_TIMEOUT: float = 3.0
    # Name servers as "address:port"; the system's own when empty.
    DNS_SERVERS: tuple[str, ...] = ()
    # How many test mails a person may send in an hour.
    TEST_MAILS_PER_HOUR: int = 30
    # Dotted path of the urlconf that the recipients' host serves, where it is not the
    # ROOT_URLCONF; it includes massmail.public_urls at the same place.
    PUBLIC_URLCONF: str = ""
    # Dotted path of the widget in which the HTML of messages is written.
    EDITOR_WIDGET: str = "massmail.forms.editing.SourceText"
    # Where the user guide can be read; pages link to its sections unless blank.
    USER_GUIDE_URL: str = ""


# What is taken besides the type of a default.
ALSO_TAKEN: dict[type, tuple[type, ...]] = {float: (int,), tuple: (list,)}
# With less of these nothing would ever be done.
AT_LEAST_ONE = frozenset(
    {
        "CLAIM_BATCH",
        "MAILBOX_CONNECTIONS",
        "MAILBOX_DAYS",
        "MAILBOX_MAIL_BYTES",
        "MESSAGES_PER_CONNECTION",
        "PREPARE_CHUNK",
    }
)


def read() -> MassmailConf:
    """The setting as it is now; raises ImproperlyConfigured for unknown names and
    for values of another type than the default's."""
    given: Any = getattr(settings, "MASSMAIL", {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured("MASSMAIL must be a dict.")
    known = {entry.name for entry in fields(MassmailConf)}
    if unknown := sorted(set(given) - known):
        raise ImproperlyConfigured(
            f"MASSMAIL has no such settings: {', '.join(unknown)}."
        )
    defaults = MassmailConf()
    for name, value in given.items():
        if problem := problem_of(name, value, type(getattr(defaults, name))):
            raise ImproperlyConfigured(f"MASSMAIL['{name}'] {problem}.")
    return MassmailConf(**given)


def problem_of(name: str, value: Any, expected: type) -> str:
    """What is wrong with a value; "" for nothing. True is no number here."""
    taken: tuple[Any, ...] = (expected, *ALSO_TAKEN.get(expected, ()))
    fits = isinstance(value, taken) and (type(value) is not bool or expected is bool)
    if not fits:
        return f"must be {expected.__name__}, not {type(value).__name__}"
    return "must be 1 or more" if name in AT_LEAST_ONE and value < 1 else ""


class _Current:
    """Reads the setting once, and again after tests changed it."""

    def __init__(self) -> None:
        self._conf: MassmailConf | None = None

    def __getattr__(self, name: str) -> Any:
        if self._conf is None:
            self._conf = read()
        value = getattr(self._conf, name)
        # Some are asked several times for each message: the next time it is at hand.
        self.__dict__[name] = value
        return value

    def forget(self, *, setting: str, **kwargs: Any) -> None:
        if setting == "MASSMAIL":
            self.__dict__ = {"_conf": None}


conf = _Current()
setting_changed.connect(conf.forget, dispatch_uid="massmail.conf")
