"""An account as the beginning of another one, for a second mailbox of a server."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from massmail.models import EmailAccount

# What a copy begins with. Secrets, tokens, counters, state and history are the
# mailbox's own; the place of the main account is taken.
COPIED = (
    "owner_id",
    "department_id",
    "co_owner_id",
    "from_email",
    "from_name",
    "reply_to",
    "preset",
    "email_host",
    "email_port",
    "security",
    "auth",
    "email_host_user",
    "imap_host",
    "imap_port",
    "per_minute",
    "per_hour",
    "per_day",
    "per_domain_hour",
    "warm_up_start",
    "warm_up_growth",
    "min_gap_seconds",
    "max_gap_seconds",
    "max_connections",
)


def copy_account(account: EmailAccount) -> EmailAccount:
    """Stopped until a person has given it its own secret and wants it to send."""
    values: dict[str, Any] = {name: getattr(account, name) for name in COPIED}
    name = _("%(name)s (copy)") % {"name": account.name}
    return EmailAccount.objects.create(
        name=name[:100],
        state=EmailAccount.State.STOPPED,
        state_reason=_(
            "Copied: enter its address and its own password, then activate it."
        ),
        **values,
    )
