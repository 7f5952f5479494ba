"""What would be wrong with a launch: the message's findings and who may pass them."""

from __future__ import annotations

from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from massmail.conf import conf
from massmail.content.compiler import CompiledMessage
from massmail.content.findings import Finding
from massmail.content.headers import Sender
from massmail.content.preflight import preflight
from massmail.exceptions import LaunchRefused, MessageTemplateError, RenderError
from massmail.models import EmailAccount, EmlMessage, MailingOut, MassmailSettings
from massmail.orchestrator.compiling import (
    FILE_MISSING,
    compiled_message,
    sender_of,
    variables_of,
)
from massmail.orchestrator.sender_checks import sender_findings, senders_of
from massmail.recipients.access import access_policy
from massmail.recipients.registry import source_for

# Why there is no message that could be checked; `trouble_in_words` says it.
TROUBLE = (MessageTemplateError, RenderError, FileNotFoundError)


def compiled_for(mailing: MailingOut) -> CompiledMessage:
    """The message as it is written now; raises one of `TROUBLE`."""
    return compiled_message(
        mailing.message,
        sender=sender_for(mailing),
        variables=variables_of(source_for(mailing.content_type)),
    )


def sender_for(mailing: MailingOut) -> Sender:
    """One of the accounts that will send it."""
    accounts = senders_of(mailing.owner_id)
    return sender_of(accounts[0]) if accounts else Sender("", "nobody@example.com")


def findings(mailing: MailingOut) -> list[Finding]:
    """All findings; raises one of `TROUBLE` when there is no message to check."""
    settings = MassmailSettings.load()
    accounts = senders_of(mailing.owner_id)
    of_message = preflight(
        compiled_for(mailing),
        postal_address=settings.postal_address,
        public_base_url=settings.base_url,
        require_https=conf.REQUIRE_HTTPS,
        max_message_bytes=smallest_limit(accounts),
    )
    return [*of_message, *sender_findings(accounts)]


def smallest_limit(accounts: list[EmailAccount]) -> int | None:
    """Of the servers that have told theirs."""
    return min(
        (limit for a in accounts if (limit := a.max_message_bytes)), default=None
    )


def check_launch(mailing: MailingOut, *, by: Any, override_reason: str) -> None:
    """Raises LaunchRefused with every finding that stands in the way."""
    try:
        found = findings(mailing)
    except TROUBLE as error:
        raise LaunchRefused([trouble_in_words(error)]) from error
    override = bool(override_reason.strip()) and access_policy().may(
        by, "override_preflight", mailing
    )
    blocking = [
        str(finding.message)
        for finding in found
        if finding.level == "blocking" and not (override and finding.overridable)
    ]
    if blocking:
        raise LaunchRefused(blocking)


def trouble_in_words(error: Exception) -> str:
    if isinstance(error, MessageTemplateError):
        return where(error)
    return str(FILE_MISSING if isinstance(error, FileNotFoundError) else error)


def where(error: MessageTemplateError) -> str:
    text = _("Line %(line)d, column %(column)d: %(message)s") % {
        "line": error.line,
        "column": error.column,
        "message": error.message,
    }
    if not error.field:
        return text
    part: Any = EmlMessage._meta.get_field(error.field)
    return f"{capfirst(part.verbose_name)}: {text}"


def required_variables(mailing: MailingOut) -> list[str]:
    """ORM paths of the recipient's variables that the message cannot do without."""
    paths = source_for(mailing.content_type).variables
    required = compiled_for(mailing).required_variables
    return [path for name, path in paths.items() if name in required]
