"""Who offers recipients, and how."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.recipients.registry import sources


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
