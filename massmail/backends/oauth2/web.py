"""HTTP to providers: verified, bounded in time, never redirected."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from massmail.backends.oauth2.base import Consent, Provider
from massmail.backends.phases import printable
from massmail.conf import conf
from massmail.exceptions import ProviderRefused, ProviderUnavailable

TOO_MANY_REQUESTS = 429


class _VerifyingAdapter(HTTPAdapter):
    """Trusts what SMTP connections trust, SSL_CERT_FILE included, and certifi's list.

    `REQUESTS_CA_BUNDLE` counts, too: requests reads it by itself.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs["ssl_context"] = ssl.create_default_context()
        super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["ssl_context"] = ssl.create_default_context()
        return super().proxy_manager_for(*args, **kwargs)


class WebSession(requests.Session):
    """What passes raises `ProviderUnavailable`, what is no JSON object
    `ProviderRefused`; other answers are the caller's."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", _VerifyingAdapter())

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = conf.PROVIDER_TIMEOUT
        # A token must not follow a redirect to another place.
        kwargs["allow_redirects"] = False
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            # Its text may hold the URL and with it parameters.
            raise ProviderUnavailable("no_answer", type(error).__name__) from None
        status = response.status_code
        if status >= 500 or status == TOO_MANY_REQUESTS:
            raise ProviderUnavailable(f"http_{status}", printable(response.reason))
        # google-auth and msal stumble over anything else.
        json_of(response)
        return response


def json_of(response: requests.Response) -> dict[str, Any]:
    """The answer's JSON object; raises `ProviderRefused` where there is none."""
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise ProviderRefused(
            f"http_{response.status_code}", "The answer is not a JSON object."
        )
    return answer


def exchange_code(
    web: WebSession, provider: Provider, token_url: str, code: str, consent: Consent
) -> dict[str, Any]:
    """The answer of the token endpoint to a code (RFC 6749 section 4.1.3)."""
    return json_of(
        web.post(
            token_url,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": consent.redirect_uri,
                "client_id": provider.setting("CLIENT_ID"),
                "client_secret": provider.setting("CLIENT_SECRET"),
                "code_verifier": consent.code_verifier,
            },
        )
    )
