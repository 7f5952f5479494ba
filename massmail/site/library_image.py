"""Pictures: what messages show, and how they name it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from massmail.forms.library_image import LibraryImageForm
from massmail.models import LibraryImage
from massmail.orchestrator.picture_uses import count_uses
from massmail.site.base import OWNER_FILTER, MassmailAdmin
from massmail.site.counted import counted
from massmail.site.links import admin_url
from massmail.site.picture_uploads import PictureUploads
from massmail.site.variables import picture_html, picture_tag

PICTURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=300",
}


class LibraryImageAdmin(PictureUploads, MassmailAdmin):
    """Pictures are shown from a page of their own, to those who may see them."""

    form = LibraryImageForm
    change_form_template = "admin/massmail/libraryimage/change_form.html"
    empty_hint = _(
        "A picture that is added here once can be shown by all your messages. Its name "
        "there is the tag that you give it."
    )
    list_display = ["thumbnail", "written_as", "size", "filename", "owner"]
    list_display_links = ["thumbnail", "written_as"]
    list_filter = [OWNER_FILTER]
    list_select_related = ["owner"]
    search_fields = ["tag", "filename"]
    fields = ["thumbnail", "file", "tag", "size", "owner", "department"]
    readonly_fields = ["thumbnail", "size"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = list(super().get_fields(request, obj))
        if obj is None:
            return [name for name in fields if name not in self.readonly_fields]
        return fields

    def get_urls(self) -> list[URLPattern]:
        picture = path(
            "<path:object_id>/picture/",
            self.admin_site.admin_view(require_safe(self.picture_view)),
            name="massmail_libraryimage_picture",
        )
        return [picture, *super().get_urls()]

    def picture_view(self, request: HttpRequest, object_id: str) -> FileResponse:
        """The picture itself; its type was decided when it came in."""
        image = self.object_or_404(request, object_id)
        try:
            file = image.file.open("rb")
        except FileNotFoundError as error:
            raise Http404 from error
        return FileResponse(file, content_type=image.mime_type, headers=PICTURE_HEADERS)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        if image := kwargs.get("obj"):
            context["ways_to_write"] = [picture_tag(image), picture_html(image)]
        return super().render_change_form(request, context, *args, **kwargs)

    def holders(self, objs: Any) -> list[str]:
        """Without its picture a message could be neither saved nor sent."""
        return [
            counted(model, count)
            for model, count in count_uses([image.tag for image in objs]).items()
        ]

    def changed_fields(self, obj: Any, form: Any) -> list[str]:
        """A new file brings its name, type and size along."""
        fields = super().changed_fields(obj, form)
        if "file" in fields:
            fields += ["filename", "mime_type", "width", "height"]
        return fields

    @admin.display(description=_("picture"))
    def thumbnail(self, image: LibraryImage) -> str:
        return format_html(
            '<img class="message-picture" src="{}" alt="{}" loading="lazy">',
            admin_url(self.admin_site, image, "picture"),
            image.filename,
        )

    @admin.display(description=_("written as"), ordering="tag")
    def written_as(self, image: LibraryImage) -> str:
        return format_html("<code>{}</code>", picture_tag(image))

    @admin.display(description=_("size"))
    def size(self, image: LibraryImage) -> str:
        return _("%(width)d × %(height)d pixels") % {
            "width": image.width,
            "height": image.height,
        }

    class Media:
        css = {"all": ["massmail/message.css"]}
