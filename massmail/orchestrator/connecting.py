"""Connecting an account to its provider: to the consent page and back."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common.fields import DecryptionError, reveal
from massmail.backends.oauth2 import provider_named
from massmail.backends.oauth2.base import Consent, Grant, Provider
from massmail.credentials import stored_form
from massmail.exceptions import (
    ConnectRefused,
    ConsentLost,
    ProviderError,
    ProviderUnavailable,
)
from massmail.models import Alert, EmailAccount, OAuthRequest
from massmail.models.address import Address, InvalidAddress
from massmail.models.alert import token_cause
from massmail.models.oauth_request import LIFETIME, digest
from massmail.sending.account_health import reactivate

# A stop for one of these ends with a new login; any other is another matter.
MENDED_BY_CONNECTING = frozenset(
    {
        "app_password_needed",
        "browser_login_needed",
        "login_impossible",
        "login_not_offered",
        "login_refused",
        "login_required",
        "needs_reconnecting",
        "password_login_disabled",
        "secret_unreadable",
    }
)


def begin(
    account: EmailAccount,
    provider_name: str,
    *,
    user: Any,
    session: str,
    redirect_uri: str,
    now: dt.datetime,
) -> str:
    """The provider's address to which the person goes; raises ConnectRefused.

    `session` is a random text that only the person's session knows.
    """
    provider = usable_provider(provider_name)
    consent = new_consent(account, redirect_uri)
    try:
        url = provider.authorization_url(consent)
    except ProviderError as error:
        raise ConnectRefused(in_words(error, provider)) from error
    OAuthRequest.objects.forget_old(now)
    OAuthRequest.objects.create(
        state_digest=digest(consent.state),
        session_digest=digest(session),
        user=user,
        email_account=account,
        provider=provider.name,
        redirect_uri=redirect_uri,
        code_verifier=consent.code_verifier,
        expires_at=now + LIFETIME,
    )
    return url


def complete(
    request: OAuthRequest, answer: Mapping[str, str], *, by: Any, now: dt.datetime
) -> EmailAccount:
    """Connect the account with what the person brought back; raises ConnectRefused.

    `request` was taken: whatever comes of it, it cannot be used again.
    """
    provider = usable_provider(request.provider)
    if answer.get("error"):
        raise ConnectRefused(refused_in_words(answer, provider))
    if not answer.get("code"):
        raise ConnectRefused(_("The provider sent you back without an answer."))
    try:
        grant = provider.exchange(answer["code"], consent_of(request))
    except ProviderError as error:
        raise ConnectRefused(in_words(error, provider)) from error
    except DecryptionError as error:
        raise ConnectRefused(
            _("This site's keys were changed. Connect again.")
        ) from error
    check_grant(grant, provider, request.email_account)
    return connect(request.email_account, provider, grant, by=by, now=now)


@transaction.atomic
def connect(
    account: EmailAccount,
    provider: Provider,
    grant: Grant,
    *,
    by: Any,
    now: dt.datetime,
) -> EmailAccount:
    """Store the tokens; the queue goes on if the login was all that stopped it."""
    account = EmailAccount.objects.lock(account.pk)
    # The person may have changed the address while at the provider.
    check_mailbox(grant, provider, account)
    is_there = account.auth == provider.name and provider.serves(account.email_host)
    changes = {} if is_there else server_fields(provider)
    # What fails with the tokens of before counts no more.
    changes["updated_at"] = timezone.now()
    fields = stored_form(grant.tokens, provider, now)
    EmailAccount.objects.store_tokens(account.pk, **fields, **changes)
    Alert.objects.close(cause=token_cause(account.pk), now=now)
    if account.state_reason in MENDED_BY_CONNECTING:
        reactivate(account, by=by, now=now)
    account.refresh_from_db()
    return account


def usable_provider(name: str) -> Provider:
    provider = provider_named(name)
    if provider is None:
        raise ConnectRefused(
            _("Choose the login of a provider for this account, and save it first.")
        )
    if not provider.is_configured:
        text = _("This site is not registered with %(provider)s. Ask its operator.")
        raise ConnectRefused(text % {"provider": provider})
    return provider


def new_consent(account: EmailAccount, redirect_uri: str) -> Consent:
    """RFC 7636: the challenge goes with the browser, the verifier stays here."""
    verifier = secrets.token_urlsafe(64)
    hashed = hashlib.sha256(verifier.encode("ascii")).digest()
    return Consent(
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32),
        code_verifier=verifier,
        code_challenge=base64.urlsafe_b64encode(hashed).rstrip(b"=").decode("ascii"),
        mailbox=account.from_email,
    )


def consent_of(request: OAuthRequest) -> Consent:
    return Consent(
        redirect_uri=request.redirect_uri,
        state="",
        code_verifier=reveal(request.code_verifier),
        code_challenge="",
        mailbox=request.email_account.from_email,
    )


def check_grant(grant: Grant, provider: Provider, account: EmailAccount) -> None:
    check_mailbox(grant, provider, account)
    if provider.missing_scopes(grant):
        text = _(
            "You did not allow this site to send mail. Connect again, and tick "
            "everything that %(provider)s asks for."
        )
        raise ConnectRefused(text % {"provider": provider})
    if not grant.tokens.refresh_token:
        text = _(
            "%(provider)s gave access for an hour only. Take this site off the list of "
            "apps with access to the mailbox, then connect again."
        )
        raise ConnectRefused(text % {"provider": provider})


def check_mailbox(grant: Grant, provider: Provider, account: EmailAccount) -> None:
    """Mail must not leave through another mailbox than the one it names."""
    if Address.parse(account.from_email).key in keys_of(grant.mailboxes):
        return
    text = _(
        "You logged in to %(provider)s as %(mailbox)s, but this account is for "
        "%(address)s. Log in there with that mailbox."
    )
    raise ConnectRefused(
        text
        % {
            "provider": provider,
            "mailbox": ", ".join(sorted(grant.mailboxes)) or _("somebody unknown"),
            "address": account.from_email,
        }
    )


def keys_of(mailboxes: frozenset[str]) -> set[str]:
    found = set()
    for mailbox in mailboxes:
        try:
            found.add(Address.parse(mailbox).key)
        except InvalidAddress:
            # A login name need not be an address; then it is not this one.
            continue
    return found


def server_fields(provider: Provider) -> dict[str, Any]:
    """An account that logged in some other way moves to the provider's servers."""
    return {
        "auth": provider.name,
        "email_host": provider.email_host,
        "email_port": provider.email_port,
        "security": provider.security,
        "imap_host": provider.imap_host,
        "imap_port": provider.imap_port,
    }


def refused_in_words(answer: Mapping[str, str], provider: Provider) -> str:
    code = answer["error"]
    if code == "access_denied":
        text = _("You, or your organisation, did not allow it at %(provider)s.")
        text %= {"provider": provider}
    else:
        text = _("%(provider)s did not let you through.") % {"provider": provider}
    words = answer.get("error_description") or code
    return f"{text} {said(words)}"


def in_words(error: ProviderError, provider: Provider) -> str:
    if isinstance(error, ProviderUnavailable):
        text = _("%(provider)s does not answer at the moment. Try again later.")
    elif isinstance(error, ConsentLost):
        text = _("%(provider)s does not know this consent any more. Connect again.")
    else:
        text = _(
            "%(provider)s refuses this site. Show its words to the site's operator."
        )
    return f"{text % {'provider': provider}} {said(error.words or error.code)}"


def said(words: str) -> str:
    """The provider's own words, bounded; whoever shows them escapes them."""
    shown = " ".join(words.split())[:300]
    return _("Its words: “%(words)s”") % {"words": shown}
