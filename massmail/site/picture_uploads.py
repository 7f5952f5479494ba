"""Pictures that come from the editor: dropped, pasted or chosen."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from massmail.forms.library_image import LibraryImageForm
from massmail.models import LibraryImage
from massmail.recipients.access import access_policy
from massmail.site.links import admin_url
from massmail.site.variables import picture_html

NAME = "massmail_libraryimage_upload"
# Two uploads with one name may look for a free tag at the same moment.
ATTEMPTS = 3


class PictureUploads(ModelAdmin):
    """Mixin: `upload/` takes one file into the library and answers in JSON."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.upload_view))
        return [path("upload/", view, name=NAME), *super().get_urls()]

    def upload_view(self, request: HttpRequest) -> JsonResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        for _attempt in range(ATTEMPTS):
            form = upload_form(request)
            if not form.is_valid():
                return JsonResponse({"error": first_error(form)})
            try:
                with transaction.atomic():
                    image = form.save()
            except IntegrityError:
                request.FILES.getlist("file")[-1].seek(0)
                continue
            self.log_addition(request, image, [{"added": {}}])
            return JsonResponse(self.answer(image))
        return JsonResponse({"error": _("Please try once more.")})

    def answer(self, image: LibraryImage) -> dict[str, str]:
        return {
            "name": image.tag,
            "html": picture_html(image),
            "url": admin_url(self.admin_site, image, "picture"),
        }


def upload_form(request: HttpRequest) -> LibraryImageForm:
    """The library's own form, for a picture of the person's own."""
    user: Any = request.user
    department = access_policy().departments(user).first()
    image = LibraryImage(owner=user, department=department)
    data = {"owner": user.pk, "department": department and department.pk}
    return LibraryImageForm(data, request.FILES, instance=image)


def first_error(form: LibraryImageForm) -> str:
    return next(str(errors[0]) for errors in form.errors.values())


def upload_url(site_name: str) -> str:
    return reverse(f"admin:{NAME}", current_app=site_name)
