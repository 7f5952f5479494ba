"""A mailing's text as a small picture: a frame that the browser scales down."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from massmail.models import MailingOut
from massmail.site.mailing_base import MailingPages
from massmail.site.preview_choice import PreviewChoice
from massmail.site.previews import framed, shown_preview
from massmail.site.small_pictures import small_picture


class MailingPicture(MailingPages):
    """Mixin: the column `picture`, and the frame inside it.

    The frame is the mailing's own: who may read a mailing sees its text here, also
    where the message's page is not his.
    """

    def get_urls(self) -> list[URLPattern]:
        frame = path(
            "<path:object_id>/picture/",
            self.admin_site.admin_view(require_safe(self.picture_view)),
            name="massmail_mailingout_picture",
        )
        return [frame, *super().get_urls()]

    def picture_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The text that recipients got or will get, with values of the viewer's own."""
        mailing = self.get_object(request, unquote(object_id))
        if mailing is None or not self.has_view_permission(request, mailing):
            raise Http404
        text = mailing.version or mailing.message
        choice = PreviewChoice(recipients_of(mailing), request.user, text)
        return framed(shown_preview(text, choice).html, choice.scheme)

    @admin.display(description=_("Preview"))
    def picture(self, mailing: MailingOut) -> str:
        return small_picture(self.admin_site, mailing, "picture")


def recipients_of(mailing: MailingOut) -> QueryDict:
    """The preview's choice of the mailing's own type of recipients."""
    choice = QueryDict(mutable=True)
    if model := mailing.content_type.model_class():
        choice["type"] = model._meta.label_lower
    return choice
