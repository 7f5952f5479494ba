"""Whether a message's variables are those of the recipients whom it is meant for.

A text is checked against all types when it is saved; this is asked as soon as a type
is known, long before the launch refuses it.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from massmail.content.template_engine import STANDARD_VARIABLES, parse
from massmail.exceptions import MessageTemplateError
from massmail.models import EmlMessage
from massmail.orchestrator.compiling import variables_of
from massmail.recipients.source import RecipientSource


def unknown_names(message: EmlMessage, source: RecipientSource) -> list[str]:
    """What the message asks of these recipients in vain; of its parts that can be
    read: what else is wrong with a text is told where it is written."""
    signature = message.signature.content if message.signature else ""
    parts = (
        message.subject,
        message.preheader,
        message.content,
        message.text,
        signature,
    )
    used = frozenset().union(*(names_in(part) for part in parts))
    return sorted(used - variables_of(source))


def names_in(part: str) -> frozenset[str]:
    try:
        return frozenset(parse(part, variables=None).used)
    except MessageTemplateError:
        return frozenset()


def misfit(message: EmlMessage, source: RecipientSource) -> str:
    """In a sentence, with what can be used instead; "" for a message that fits."""
    names = unknown_names(message, source)
    if not names:
        return ""
    text = _(
        "The message uses %(names)s, but there is no such variable for "
        "“%(kind)s”. There are: %(known)s."
    )
    return text % {
        "names": ", ".join(f"{{{{ {name} }}}}" for name in names),
        "kind": source.model._meta.verbose_name_plural,
        "known": ", ".join(sorted(source.variables or STANDARD_VARIABLES)),
    }
