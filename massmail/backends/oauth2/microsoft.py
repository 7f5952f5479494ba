"""Microsoft: Exchange Online (Microsoft 365) and Outlook.com.

https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from massmail.backends.oauth2 import register
from massmail.backends.oauth2.base import (
    Consent,
    Grant,
    Provider,
    Tokens,
    refusal,
    tokens_of,
)

RESOURCE = "https://outlook.office.com/"
SMTP_SCOPE = f"{RESOURCE}SMTP.Send"
IMAP_SCOPE = f"{RESOURCE}IMAP.AccessAsUser.All"
# msal adds these where it asks for tokens; the request for consent is ours.
OPENID_SCOPES = ("openid", "profile", "offline_access")


@register
class Microsoft(Provider):
    name = "microsoft"
    label = "Microsoft"
    email_host = "smtp.office365.com"
    imap_host = "outlook.office365.com"
    more_hosts = frozenset({"smtp-mail.outlook.com", "imap-mail.outlook.com"})
    required_scopes = frozenset({SMTP_SCOPE})
    # https://learn.microsoft.com/entra/identity-platform/refresh-tokens
    refresh_token_days = 90
    defaults = {"AUTHORITY": "https://login.microsoftonline.com/common"}

    def authorization_url(self, consent: Consent) -> str:
        def build(application: Any) -> str:
            parameters = {
                "client_id": self.setting("CLIENT_ID"),
                "redirect_uri": consent.redirect_uri,
                "response_type": "code",
                "response_mode": "query",
                "scope": " ".join((*OPENID_SCOPES, SMTP_SCOPE, IMAP_SCOPE)),
                "state": consent.state,
                "code_challenge": consent.code_challenge,
                "code_challenge_method": "S256",
                "login_hint": consent.mailbox,
            }
            endpoint = application.authority.authorization_endpoint
            return f"{endpoint}?{urlencode(parameters)}"

        return self._ask(build)

    def exchange(self, code: str, consent: Consent) -> Grant:
        """Without msal, whose call wants a `nonce`: PKCE stands in for that."""
        from massmail.backends.oauth2.web import WebSession, exchange_code

        endpoint = self._ask(lambda application: application.authority.token_endpoint)
        with WebSession() as web:
            answer = exchange_code(web, self, endpoint, code, consent)
        tokens = tokens_of(answer)
        mailboxes = self._mailboxes(claims_of(answer.get("id_token")))
        scopes = answer.get("scope") or f"{SMTP_SCOPE} {IMAP_SCOPE}"
        return Grant(tokens, mailboxes, frozenset(map(full_scope, scopes.split())))

    def refresh(self, refresh_token: str) -> Tokens:
        answer = self._ask(
            lambda application: application.acquire_token_by_refresh_token(
                refresh_token, [SMTP_SCOPE, IMAP_SCOPE]
            )
        )
        return tokens_of(answer)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        import msal

        from massmail.backends.oauth2.web import WebSession

        with WebSession() as web:
            try:
                # The authority is the deployment's word: no other host vouches for it.
                application = msal.ConfidentialClientApplication(
                    self.setting("CLIENT_ID"),
                    client_credential=self.setting("CLIENT_SECRET") or None,
                    authority=authority_with_tenant(self.setting("AUTHORITY")),
                    instance_discovery=False,
                    http_client=web,
                )
                return question(application)
            except (ValueError, KeyError, TypeError) as error:
                # msal's word for an answer that it cannot read.
                raise refusal("", type(error).__name__) from None

    def _mailboxes(self, claims: dict[str, Any]) -> frozenset[str]:
        """The mailbox's addresses, from an id_token that came straight from the
        provider over TLS (OpenID Connect Core section 3.1.3.7, step 6).

        A tenant may write anything into `email`, unless the provider vouches for the
        domain (`xms_edov`); the login name's domain is always verified.
        """
        audience = claims.get("aud", [])
        if self.setting("CLIENT_ID") not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise refusal("wrong_audience", "The identity is for another site.")
        name = claims.get("preferred_username") or claims.get("upn")
        found = {name}
        if str(claims.get("xms_edov", "")).lower() in ("1", "true"):
            found.add(claims.get("email"))
        return frozenset(str(address) for address in found if address)


def authority_with_tenant(authority: str) -> str:
    """msal wants a tenant: "common" is everybody's."""
    has_tenant = urlsplit(authority).path.strip("/")
    return authority if has_tenant else f"{authority.rstrip('/')}/common"


def full_scope(scope: str) -> str:
    """The answer may leave out the resource's address."""
    is_bare = "://" not in scope and scope not in OPENID_SCOPES
    return f"{RESOURCE}{scope}" if is_bare else scope


def claims_of(id_token: object) -> dict[str, Any]:
    """The claims of a JSON Web Token that came over TLS from the provider itself."""
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    except (IndexError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise refusal("no_identity", "The provider did not say whose mailbox it is.")
    return claims
