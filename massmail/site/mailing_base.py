"""What a mailing's pages share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from massmail.models import MailingOut
from massmail.recipients.access import access_policy
from massmail.site.base import MassmailAdmin
from massmail.site.links import admin_url, url_if_visible


class MailingPages(MassmailAdmin):
    """Pages under a mailing's own address."""

    def to_mailing(self, mailing: MailingOut) -> HttpResponseRedirect:
        return HttpResponseRedirect(admin_url(self.admin_site, mailing))

    def refusal(
        self, request: HttpRequest, mailing: MailingOut, action: str, *, too_late: bool
    ) -> HttpResponse | None:
        """Back to the mailing, with the reason, where a page makes no sense."""
        if not access_policy().may(request.user, action, mailing):
            messages.error(request, _("You may not do this with this mailing."))
        elif too_late:
            text = _("Nothing was done: the mailing is not as it was any more.")
            messages.warning(request, text)
        else:
            return None
        return self.to_mailing(mailing)

    def message_url(self, request: HttpRequest, mailing: MailingOut) -> str:
        """Where the message is written, and from where one comes back; "" if hidden."""
        if not url_if_visible(self.admin_site, request, mailing.message):
            return ""
        return admin_url(self.admin_site, mailing.message, mailing=mailing.pk)

    def preview_url(self, request: HttpRequest, mailing: MailingOut) -> str:
        """Of the text that recipients got, or will get; "" if hidden."""
        version = mailing.version
        if version:
            return url_if_visible(self.admin_site, request, version, "preview")
        if not url_if_visible(self.admin_site, request, mailing.message):
            return ""
        return admin_url(
            self.admin_site, mailing.message, "preview", mailing=mailing.pk
        )

    def test_url(self, request: HttpRequest, mailing: MailingOut) -> str:
        """Where the message is sent to somebody who checks it; "" if hidden."""
        if not url_if_visible(self.admin_site, request, mailing.message):
            return ""
        model = mailing.content_type.model_class()
        query = {"type": model._meta.label_lower} if model else {}
        return admin_url(
            self.admin_site, mailing.message, "test", mailing=mailing.pk, **query
        )

    def page(
        self,
        request: HttpRequest,
        mailing: MailingOut,
        name: str,
        title: str,
        context: dict[str, Any],
    ) -> TemplateResponse:
        """One of the mailing's own templates, with the admin's frame around it."""
        facts = {
            "mailing": mailing,
            "mailing_url": admin_url(self.admin_site, mailing),
        }
        return self.framed_page(request, name, title, facts | context)
