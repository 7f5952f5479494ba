"""Signatures: how a manager's messages end."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from massmail.forms.signature import SignatureForm
from massmail.models import EmlMessage, Signature
from massmail.orchestrator.copying_signatures import copy_signature
from massmail.orchestrator.previewing import preview_signature
from massmail.site.base import OWNER_FILTER, MassmailAdmin
from massmail.site.copy_action import CopyAction
from massmail.site.links import admin_url
from massmail.site.previews import framed
from massmail.site.small_pictures import small_picture
from massmail.site.unsaved import UnsavedPages
from massmail.site.variables import standard_variables

SEEN = "admin/massmail/signature/seen.html"


class SignatureAdmin(CopyAction, UnsavedPages, MassmailAdmin):
    """A signature is shown as readers of HTML and of plain text see it.

    Without scripts as it was saved, with them while it is written.
    """

    written_fields = ("type", "content")
    form = SignatureForm
    change_form_template = "admin/massmail/signature/change_form.html"
    empty_hint = _(
        "A signature ends your messages: your name, your work, how to reach you. The "
        "one that you mark as the default is in every new message."
    )
    list_display = ["picture", "name", "type", "is_default", "owner"]
    list_display_links = ["name"]
    list_filter = ["type", OWNER_FILTER]
    list_select_related = ["owner"]
    search_fields = ["name", "content"]

    def get_urls(self) -> list[URLPattern]:
        frame = path(
            "<path:object_id>/frame/",
            self.admin_site.admin_view(require_safe(self.frame_view)),
            name="massmail_signature_frame",
        )
        return [frame, *super().get_urls()]

    @admin.display(description=_("Preview"))
    def picture(self, signature: Signature) -> str:
        return small_picture(self.admin_site, signature, "frame")

    def copy_of(self, obj: Signature, by: Any) -> Signature:
        return copy_signature(obj, by=by)

    def frame_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The signature alone, as HTML."""
        signature = self.object_or_404(request, object_id)
        return framed(preview_signature(signature).html, "light")

    def live_facts_view(self, request: HttpRequest) -> HttpResponse:
        context = {"preview": preview_signature(self.unsaved(request))}
        return TemplateResponse(request, SEEN, context)

    def live_frame_view(self, request: HttpRequest) -> HttpResponse:
        return framed(preview_signature(self.unsaved(request)).html, "light")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        signature = kwargs.get("obj")
        owner = signature.owner if signature else request.user
        context["standard_variables"] = standard_variables(owner)[2:4]
        context["live_urls"] = self.live_urls()
        if signature is not None:
            context["preview"] = preview_signature(signature)
            context["frame_url"] = admin_url(self.admin_site, signature, "frame")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """With the messages that keep their text, but are signed no more."""
        deleted, counts, refused, held = super().get_deleted_objects(objs, request)
        if count := EmlMessage.objects.filter(signature__in=objs).count():
            deleted = [*deleted, unsigned_text(count)]
        return deleted, counts, refused, held

    def save_model(
        self, request: HttpRequest, obj: Signature, form: Any, change: bool
    ) -> None:
        """The default before makes room, in the page's own transaction."""
        if obj.is_default:
            make_room_for_default(obj)
        super().save_model(request, obj, form, change)


def unsigned_text(count: int) -> str:
    text = ngettext(
        "Not deleted: %(count)d message, which has no signature then.",
        "Not deleted: %(count)d messages, which have no signature then.",
        count,
    )
    return text % {"count": count}


def make_room_for_default(signature: Signature) -> None:
    """Of two that become the default at once the later one stays it."""
    owners = get_user_model()._default_manager.filter(pk=signature.owner_id)
    list(owners.select_for_update())
    others = Signature.objects.filter(owner_id=signature.owner_id, is_default=True)
    others.exclude(pk=signature.pk).update(is_default=False)
