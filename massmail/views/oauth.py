"""Staff go to a mailbox's provider and come back."""

from __future__ import annotations

import secrets
from typing import cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from massmail.conf import conf
from massmail.exceptions import ConnectRefused
from massmail.models import EmailAccount, OAuthRequest
from massmail.orchestrator import connecting
from massmail.site.account_base import AccountPages
from massmail.site.links import admin_url

# The session keeps a random text; requests are bound to it.
SESSION_KEY = "massmail_oauth"


@require_POST
def oauth_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the account's owner to the provider."""
    pages = account_pages()
    account = pages.changeable(request, str(pk))
    try:
        url = connecting.begin(
            account,
            request.POST.get("provider") or account.auth,
            user=request.user,
            session=session_secret(request),
            redirect_uri=redirect_uri(request),
            now=timezone.now(),
        )
    except ConnectRefused as error:
        messages.error(request, str(error))
        return pages.to_account(account)
    return HttpResponseRedirect(url)


@require_GET
@sensitive_variables()
def oauth_callback(request: HttpRequest) -> HttpResponse:
    """The provider sends them back; a state that was used or is not theirs is void."""
    pages, now = account_pages(), timezone.now()
    found = OAuthRequest.objects.take(
        state=request.GET.get("state", ""),
        session=request.session.get(SESSION_KEY, ""),
        user=request.user,
        now=now,
    )
    if found is None:
        text = _("This consent is over or was begun elsewhere. Connect again.")
        messages.error(request, text)
        return HttpResponseRedirect(admin_url(admin.site, EmailAccount))
    account = pages.changeable(request, str(found.email_account_id))
    try:
        account = connecting.complete(found, request.GET, by=request.user, now=now)
    except ConnectRefused as error:
        messages.error(request, str(error))
        return pages.to_account(account)
    pages.log_change(request, account, _("Connected to the mailbox's provider."))
    messages.success(request, _("Connected. The site may send from this mailbox."))
    return pages.to_account(account)


def account_pages() -> AccountPages:
    return cast("AccountPages", admin.site.get_model_admin(EmailAccount))


def session_secret(request: HttpRequest) -> str:
    """Kept for the session, so that two tabs do not undo each other."""
    return request.session.setdefault(SESSION_KEY, secrets.token_urlsafe(32))


def redirect_uri(request: HttpRequest) -> str:
    """One for all accounts and providers: it is registered with each of them."""
    path = reverse("massmail:oauth_callback")
    if conf.STAFF_BASE_URL:
        return conf.STAFF_BASE_URL.rstrip("/") + path
    return request.build_absolute_uri(path)
