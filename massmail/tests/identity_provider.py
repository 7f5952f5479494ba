"""A real provider of OAuth2 on loopback: consent pages, tokens that rotate, identity.

It answers as Google (`/authorize`, `/token`, `/userinfo`) and as Microsoft (an OpenID
configuration and id_tokens below `/tenant/v2.0/`), by TLS where certificates are given.
Codes work once, with their PKCE verifier and redirect address; a refresh token that was
used already is refused, and everything that descends from it is withdrawn.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from massmail.tests.smtp_certificates import Certificates

CLIENT_ID, CLIENT_SECRET = "our-client-id", "our-client-secret"
# How soon a server that is told to stop notices: the default, half a second, is longer
# than most tests take.
POLL_SECONDS = 0.01
Answer = tuple[int, dict[str, Any]]


@dataclass
class Mailbox:
    """What a person consents with; change it between two steps of a test."""

    address: str = "anna@example.com"
    scopes: str | None = None
    # "access_denied" …: the person, or the provider, says no at the consent page.
    error: str = ""
    error_description: str = ""
    claims: dict[str, Any] = field(default_factory=dict)


class IdentityProvider:
    """Serves while the context is open; one thread per request."""

    def __init__(
        self,
        *,
        certificates: Certificates | None = None,
        on_access_token: Callable[[str, str], None] = lambda mailbox, token: None,
        expires_in: int = 3600,
        rotates: bool = True,
    ) -> None:
        self.mailbox = Mailbox()
        self.expires_in = expires_in
        self.rotates = rotates
        # More fields of the token endpoint's answers.
        self.extra: dict[str, Any] = {}
        # Of the token endpoint, each used once before the usual answers.
        self.next_answers: list[Answer] = []
        # While it is set the token endpoint waits: two callers can be made to meet.
        self.gate = threading.Event()
        self.gate.set()
        self.token_requests: list[dict[str, str]] = []
        self.reused = 0
        self._on_access_token = on_access_token
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh: dict[str, str] = {}
        self._spent: set[str] = set()
        self._access: dict[str, str] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificates is not None:
            self._scheme = "https"
            self._server.socket = certificates.server_context().wrap_socket(
                self._server.socket, server_side=True
            )

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def registrations(self) -> dict[str, dict[str, str]]:
        """What a deployment sets, with the addresses of this provider."""
        client = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
        google = {
            "AUTHORIZE_URL": f"{self.url}/authorize",
            "TOKEN_URL": f"{self.url}/token",
            "USERINFO_URL": f"{self.url}/userinfo",
        }
        return {
            "google": client | google,
            "microsoft": client | {"AUTHORITY": f"{self.url}/tenant"},
        }

    @property
    def refreshes(self) -> int:
        return sum(
            request.get("grant_type") == "refresh_token"
            for request in self.token_requests
        )

    def __enter__(self) -> IdentityProvider:
        threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def issue(self, address: str) -> tuple[str, str]:
        """(access token, refresh token) as after a consent."""
        with self._lock:
            return self._new_access(address), self._new_refresh(address)

    def revoke(self) -> None:
        """The person takes the site off the list of apps with access."""
        with self._lock:
            self._refresh.clear()
            self._access.clear()

    # --- endpoints

    def consent(self, query: dict[str, str]) -> str:
        """Where the browser is sent after the person has answered."""
        answer = {"state": query.get("state", "")}
        if self.mailbox.error:
            answer |= {"error": self.mailbox.error}
            answer |= {"error_description": self.mailbox.error_description}
        else:
            code = secrets.token_urlsafe(16)
            with self._lock:
                self._codes[code] = query
            answer["code"] = code
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str]) -> Answer:
        with self._lock:
            self.token_requests.append(form)
            planned = self.next_answers.pop(0) if self.next_answers else None
        self.gate.wait()
        if planned is not None:
            return planned
        if form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client", "error_description": "Who?"}
        with self._lock:
            if form.get("grant_type") == "authorization_code":
                return self._for_code(form)
            return self._for_refresh_token(form.get("refresh_token", ""))

    def userinfo(self, authorization: str) -> Answer:
        address = self._access.get(authorization.removeprefix("Bearer "))
        if address is None:
            return 401, {"error": "invalid_token"}
        return 200, {"email": address, "email_verified": True} | self.mailbox.claims

    def configuration(self) -> Answer:
        base = f"{self.url}/tenant/v2.0"
        return 200, {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
        }

    def _for_code(self, form: dict[str, str]) -> Answer:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return _refused("invalid_grant", "The code is not valid.")
        if asked["code_challenge"] != challenge(form.get("code_verifier", "")):
            return _refused("invalid_grant", "The verifier is not the code's.")
        scopes = self.mailbox.scopes
        granted = asked["scope"] if scopes is None else scopes
        address = self.mailbox.address
        return 200, self._tokens(address) | {
            "scope": granted,
            "id_token": self._id_token(address),
        }

    def _for_refresh_token(self, given: str) -> Answer:
        address = self._refresh.get(given)
        if address is None:
            if given in self._spent:
                # RFC 9700 section 4.14.2: somebody has stolen one of them.
                self.reused += 1
                self._refresh.clear()
            return _refused("invalid_grant", "Token has been expired or revoked.")
        if not self.rotates:
            return 200, self._tokens(address, refresh=False)
        del self._refresh[given]
        self._spent.add(given)
        return 200, self._tokens(address)

    def _tokens(self, address: str, *, refresh: bool = True) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": self._new_access(address),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            **self.extra,
        }
        if refresh:
            answer["refresh_token"] = self._new_refresh(address)
        return answer

    def _new_access(self, address: str) -> str:
        token = f"access-{secrets.token_urlsafe(24)}"
        self._access[token] = address
        self._on_access_token(address, token)
        return token

    def _new_refresh(self, address: str) -> str:
        token = f"refresh-{secrets.token_urlsafe(24)}"
        self._refresh[token] = address
        return token

    def _id_token(self, address: str) -> str:
        claims = {
            "iss": f"{self.url}/tenant/v2.0",
            "aud": CLIENT_ID,
            "exp": int(time.time()) + 600,
            "preferred_username": address,
        } | self.mailbox.claims
        parts = (_segment({"alg": "none"}), _segment(claims), "unsigned")
        return ".".join(parts)


def challenge(verifier: str) -> str:
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _segment(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def _refused(code: str, words: str) -> Answer:
    return 400, {"error": code, "error_description": words}


def _handler_of(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/authorize"):
                self.send_response(302)
                query = dict(parse_qsl(parts.query))
                self.send_header("Location", provider.consent(query))
                self.end_headers()
            elif parts.path.endswith("/openid-configuration"):
                self.answer(*provider.configuration())
            elif parts.path == "/userinfo":
                authorization = self.headers.get("Authorization", "")
                self.answer(*provider.userinfo(authorization))
            else:
                self.answer(404, {"error": "not_found"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            self.answer(*provider.token(form))

        def answer(self, status: int, data: dict[str, Any]) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # A client that lost its patience has gone.
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler
