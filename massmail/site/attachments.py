"""Files of a message: added on its page, read by those who may see it."""

from __future__ import annotations

from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from massmail.forms.uploads import (
    MAX_MESSAGE_BYTES,
    AttachmentForm,
    AttachmentFormSet,
    stored_size,
)
from massmail.models import Attachment, EmlMessage
from massmail.site.base import MassmailAdmin

# A file is somebody's upload: it is stored by the reader and opened by no page here.
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}
DOWNLOAD = "massmail_emlmessage_attachment"


class AttachmentInline(admin.TabularInline):
    model = Attachment
    form = AttachmentForm
    formset = AttachmentFormSet
    fields = ["file", "filename", "stored"]
    readonly_fields = ["stored"]
    extra = 0

    @admin.display(description=_("stored file"))
    def stored(self, attachment: Attachment) -> str:
        if not attachment.pk:
            return "–"
        url = reverse(
            f"admin:{DOWNLOAD}",
            args=[attachment.message_id, attachment.pk],
            current_app=self.admin_site.name,
        )
        size = filesizeformat(stored_size(attachment.file))
        text = _("Download")
        return format_html(
            '<a href="{}" data-message-bytes="{}">{}</a> ({})',
            url,
            stored_size(attachment.file),
            text,
            size,
        )


class AttachmentPages(MassmailAdmin):
    """Mixin of a message's pages: `attachment/<id>/` gives a file out."""

    def get_urls(self) -> list[URLPattern]:
        download = path(
            "<path:object_id>/attachment/<int:attachment_id>/",
            self.admin_site.admin_view(require_safe(self.attachment_view)),
            name=DOWNLOAD,
        )
        return [download, *super().get_urls()]

    def attachment_view(
        self, request: HttpRequest, object_id: str, attachment_id: int
    ) -> FileResponse:
        message = self.object_or_404(request, object_id)
        attachment = message.attachments.filter(pk=attachment_id).first()
        if attachment is None:
            raise Http404
        return file_response(attachment)


def file_response(attachment: Attachment) -> FileResponse:
    try:
        file = attachment.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(
        file,
        as_attachment=True,
        filename=attachment.filename or "attachment",
        content_type=attachment.mime_type,
        headers=FILE_HEADERS,
    )


def files_in_words(message: EmlMessage) -> str:
    """How much every copy carries; "" when that is nothing."""
    total = sum(stored_size(row.file) for row in message.attachments.all())
    if not total:
        return ""
    text = _("Every copy carries these files: %(total)s of at most %(limit)s.")
    facts = {"total": filesizeformat(total), "limit": filesizeformat(MAX_MESSAGE_BYTES)}
    return text % facts
