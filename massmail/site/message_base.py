"""What a message's further pages share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse

from massmail.models import EmlMessage
from massmail.site.base import MassmailAdmin
from massmail.site.links import admin_url


class MessagePages(MassmailAdmin):
    """Pages under a message's own address."""

    def to_message(self, message: EmlMessage) -> HttpResponseRedirect:
        return HttpResponseRedirect(admin_url(self.admin_site, message))

    def message_page(
        self,
        request: HttpRequest,
        message: EmlMessage | None,
        name: str,
        title: str,
        context: dict[str, Any],
    ) -> TemplateResponse:
        """One of the message's own templates, with the admin's frame around it."""
        facts = {
            "original": message,
            "message_url": admin_url(self.admin_site, message) if message else "",
        }
        return self.framed_page(request, name, title, facts | context)
