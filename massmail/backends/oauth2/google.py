"""Google: Gmail and Google Workspace.

https://developers.google.com/identity/protocols/oauth2/web-server
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from massmail.backends.oauth2 import register
from massmail.backends.oauth2.base import (
    Consent,
    Grant,
    Provider,
    Tokens,
    refusal,
    refusal_in,
    tokens_of,
)

MAIL_SCOPE = "https://mail.google.com/"


@register
class Google(Provider):
    name = "google"
    label = "Google"
    email_host = "smtp.gmail.com"
    imap_host = "imap.gmail.com"
    more_hosts = frozenset(
        {"smtp-relay.gmail.com", "smtp.googlemail.com", "imap.googlemail.com"}
    )
    required_scopes = frozenset({MAIL_SCOPE})
    # https://developers.google.com/identity/protocols/oauth2#expiration
    refresh_token_days = 180
    defaults = {
        "AUTHORIZE_URL": "https://accounts.google.com/o/oauth2/v2/auth",
        "TOKEN_URL": "https://oauth2.googleapis.com/token",
        "USERINFO_URL": "https://openidconnect.googleapis.com/v1/userinfo",
    }

    def authorization_url(self, consent: Consent) -> str:
        parameters = {
            "client_id": self.setting("CLIENT_ID"),
            "redirect_uri": consent.redirect_uri,
            "response_type": "code",
            "scope": f"openid email {MAIL_SCOPE}",
            "state": consent.state,
            "code_challenge": consent.code_challenge,
            "code_challenge_method": "S256",
            "login_hint": consent.mailbox,
            # A refresh token comes only with both of these.
            "access_type": "offline",
            "prompt": "consent",
        }
        return f"{self.setting('AUTHORIZE_URL')}?{urlencode(parameters)}"

    def exchange(self, code: str, consent: Consent) -> Grant:
        from massmail.backends.oauth2.web import WebSession, exchange_code

        with WebSession() as web:
            answer = exchange_code(web, self, self.setting("TOKEN_URL"), code, consent)
            tokens = tokens_of(answer)
            mailbox = self._mailbox(web, tokens)
        # RFC 6749 section 5.1: no scope in the answer means all that were asked for.
        scopes = answer.get("scope", MAIL_SCOPE)
        return Grant(tokens, frozenset({mailbox}), frozenset(scopes.split()))

    def refresh(self, refresh_token: str) -> Tokens:
        from google.auth.exceptions import GoogleAuthError, RefreshError
        from google.auth.transport.requests import Request
        from google.oauth2.credentials import Credentials

        from massmail.backends.oauth2.web import WebSession, json_of

        credentials = Credentials(
            None,
            refresh_token=refresh_token,
            token_uri=self.setting("TOKEN_URL"),
            client_id=self.setting("CLIENT_ID"),
            client_secret=self.setting("CLIENT_SECRET"),
        )
        answers: list[Any] = []
        with WebSession() as web:
            # google-auth drops what it does not know, such as the end of a consent, and
            # has other words for some errors.
            web.hooks["response"].append(
                lambda answer, **kwargs: answers.append(answer)
            )
            try:
                credentials.refresh(Request(web))
            except RefreshError:
                raise refusal_in(json_of(answers[-1])) from None
            except (GoogleAuthError, ValueError, OverflowError) as error:
                raise refusal("", type(error).__name__) from None
        return tokens_of(json_of(answers[-1]))

    def _mailbox(self, web: Any, tokens: Tokens) -> str:
        from massmail.backends.oauth2.web import json_of

        answer = json_of(
            web.get(
                self.setting("USERINFO_URL"),
                headers={"Authorization": f"Bearer {tokens.access_token}"},
            )
        )
        if "error" in answer or not answer.get("email"):
            raise refusal_in(answer)
        if str(answer.get("email_verified", True)).lower() == "false":
            raise refusal("email_not_verified", "The address is not verified.")
        return str(answer["email"])
