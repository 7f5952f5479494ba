"""The providers of mailboxes that are used by OAuth2."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, register

from massmail.backends.oauth2 import providers
from massmail.checks.readable import where_conf_is_readable
from massmail.conf import conf


@register()
@where_conf_is_readable
def check_oauth(**kwargs: Any) -> list[CheckMessage]:
    """Who has registered with a provider can speak to it."""
    if not conf.OAUTH or find_spec("requests"):
        return []
    return [
        Error(
            "MASSMAIL['OAUTH'] names providers, but their libraries are not installed.",
            hint="pip install 'django-crm-massmail[oauth]'",
            id="massmail.E013",
        )
    ]


@register()
@where_conf_is_readable
def check_provider_names(**kwargs: Any) -> list[CheckMessage]:
    """A registration under any other name would be used by nobody."""
    known = providers()
    return [
        Error(
            f"MASSMAIL['OAUTH']: there is no provider '{name}'.",
            hint=f"There are: {', '.join(known)}.",
            id="massmail.E015",
        )
        for name in conf.OAUTH
        if name not in known
    ]
