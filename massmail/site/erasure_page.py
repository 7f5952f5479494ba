"""Erasing a person from the ledger and from the "don't mail" list."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.site.read_only import is_superuser
from massmail.forms.erasure import ErasureForm
from massmail.models import SuppressedAddress
from massmail.models.erasure import Erased, erase
from massmail.site.links import admin_url


class ErasurePage(admin.ModelAdmin):
    """Mixin: for superusers alone."""

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "erase/",
            self.admin_site.admin_view(self.erase_view),
            name="massmail_suppressedaddress_erase",
        )
        return [page, *super().get_urls()]

    def erase_view(self, request: HttpRequest) -> HttpResponse:
        if not is_superuser(request):
            raise PermissionDenied
        form = ErasureForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            key = form.cleaned_data["address"].key
            self.tell(request, erase(key, source=str(_("erased")), by=request.user))
            return redirect(admin_url(self.admin_site, SuppressedAddress))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Erase a person"),
            "form": form,
            "list_url": admin_url(self.admin_site, SuppressedAddress),
        }
        template = "admin/massmail/suppressedaddress/erase.html"
        return TemplateResponse(request, template, context)

    def tell(self, request: HttpRequest, erased: Erased) -> None:
        text = ngettext(
            "%(count)d mail was erased.", "%(count)d mails were erased.", erased.mails
        )
        messages.success(request, text % {"count": erased.mails})
        if erased.left:
            text = ngettext(
                "%(count)d is on its way or uncertain: erase once more when it is not.",
                "%(count)d are on their way or uncertain: erase once more when they "
                "are not.",
                erased.left,
            )
            messages.warning(request, text % {"count": erased.left})
