"""Coming back: the page behind the link of the confirmation mail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.generic import View

from common.utils.helpers import mask_address
from massmail.tracking.list_scope import names_of
from massmail.tracking.resubscribing import Request, request_of, resubscribe, used_by
from massmail.views.posted import posted_fields
from massmail.views.public import public_page, render_public
from massmail.views.unsubscribe import has

CONFIRMATION = ("confirm", "subscribe")


@method_decorator(public_page, name="dispatch")
class ResubscribeView(View):
    """Reading changes nothing; a link that is old, used or forged says so."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        found = request_of(token, now=timezone.now())
        if found:
            return self.page(request, "resubscribe", found)
        return self.after(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if not has(posted_fields(request), CONFIRMATION):
            return HttpResponse("Bad request.\n", status=400, content_type="text/plain")
        found = resubscribe(token, now=timezone.now())
        if found:
            return self.page(request, "resubscribed", found)
        return self.after(request, token)

    def after(self, request: HttpRequest, token: str) -> HttpResponse:
        """Who pressed twice, or looks again, is not told that it failed."""
        found = used_by(token, now=timezone.now())
        template = "resubscribed" if found else "resubscribe_gone"
        return self.page(request, template, found)

    def page(
        self, request: HttpRequest, template: str, found: Request | None
    ) -> HttpResponse:
        return render_public(
            template,
            request,
            language=found.language if found else "",
            masked_address=mask_address(found.address) if found else "",
            is_in_vain=bool(found and found.is_in_vain),
            list_names=names_of(found.lists or []) if found else "",
            confirmation=CONFIRMATION,
        )
