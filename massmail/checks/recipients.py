"""Who offers recipients, and how."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.sites import all_sites
from django.core.checks import CheckMessage, Error, Warning, register

from massmail.admin_actions import MailingActions
from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.recipients.registry import offers_recipients, sources
from massmail.site.mailing_columns import MailingColumns
from massmail.site.record_mailings import RecordMailings


@register()
def check_sources(**kwargs: Any) -> list[CheckMessage]:
    """At least one model offers recipients, and each source's paths exist."""
    found: list[CheckMessage] = [
        Error(message, obj=source.model, id="massmail.E003")
        for source in sources()
        for message in source.problems()
    ]
    found += [
        Error(
            f"{type(source).__name__}: the variable '{name}' has a meaning of its own.",
            hint=f"Choose another name than {', '.join(STANDARD_VARIABLES)}.",
            obj=source.model,
            id="massmail.E003",
        )
        for source in sources()
        for name in sorted({*source.variables} & {*STANDARD_VARIABLES})
    ]
    if not sources():
        found.append(
            Warning(
                "No model offers recipients.",
                hint="Register a RecipientSource in <app>/massmail_recipients.py.",
                id="massmail.W001",
            )
        )
    return found


@register()
def check_mixins(**kwargs: Any) -> list[CheckMessage]:
    """Admins of records show mailings where the records can be mailed."""
    mixins = (MailingActions, MailingColumns, RecordMailings)
    return [
        Warning(
            f"{type(model_admin).__name__} has mixins of massmail, but "
            f"{model._meta.label} offers no recipients: they add nothing to its pages.",
            hint="Register a RecipientSource in <app>/massmail_recipients.py.",
            obj=model,
            id="massmail.W004",
        )
        for site in all_sites
        for model, model_admin in site._registry.items()
        if isinstance(model_admin, mixins) and not offers_recipients(model)
    ]
