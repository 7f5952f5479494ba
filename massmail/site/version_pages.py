"""What a message said before, who got which text, and who may still get the new one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common.utils.helpers import is_whole_number
from massmail.content.differences import Difference, differences
from massmail.content.message_source import MessageSource
from massmail.exceptions import LaunchRefused, NotAllowed, WrongState
from massmail.models import Delivery, EmlMessage, MessageVersion
from massmail.orchestrator.compiling import (
    FILE_MISSING,
    source_of_message,
    source_of_version,
)
from massmail.orchestrator.copying import copy_message
from massmail.orchestrator.revising import outdated_mailings, revise_all
from massmail.recipients.access import access_policy
from massmail.site.links import admin_url, url_if_visible
from massmail.site.message_base import MessagePages

VERSIONS_SHOWN = 20


class VersionPages(MessagePages):
    """Mixin: `versions/`, `waiting/` and `copy/` of a message."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "versions": require_safe(self.versions_view),
            "waiting": self.waiting_view,
            "copy": require_POST(self.copy_view),
        }
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"massmail_emlmessage_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def copy_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.object_or_404(request, object_id)
        if not self.has_add_permission(request):
            messages.error(request, _("You may not write messages."))
            return self.to_message(message)
        try:
            copy = copy_message(message, by=request.user)
        except WrongState as error:
            messages.error(request, str(error))
            return self.to_message(message)
        messages.success(request, _("This is your copy. The original stays as it is."))
        return self.to_message(copy)

    def versions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.object_or_404(request, object_id)
        try:
            written, lost = source_of_message(message), ""
        except FileNotFoundError:
            written, lost = None, str(FILE_MISSING)
        versions = self.versions(request, message, written)
        context = {"versions": versions, "shown": VERSIONS_SHOWN, "lost": lost}
        return self.message_page(request, message, "versions", _("Versions"), context)

    def versions(
        self, request: HttpRequest, message: EmlMessage, newer: MessageSource | None
    ) -> list[dict[str, Any]]:
        """The newest first; each with what was changed after it, if that is known."""
        found = []
        for version in with_counts(message):
            source = source_of_version(version)
            found.append(
                {
                    "version": version,
                    "mailings": self.mailings_with(request, version),
                    "preview_url": url_if_visible(
                        self.admin_site, request, version, "preview"
                    ),
                    "differences": named(differences(source, newer)) if newer else [],
                }
            )
            newer = source
        return found

    def mailings_with(
        self, request: HttpRequest, version: MessageVersion
    ) -> list[tuple[Any, str]]:
        """Mailings of which somebody got it or will get it, as far as one sees them."""
        mailings = message_mailings(request.user, version)
        return [(mailing, admin_url(self.admin_site, mailing)) for mailing in mailings]

    def waiting_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.object_or_404(request, object_id)
        refused: list[str] = []
        if request.method == "POST":
            try:
                done = revise_all(message, chosen_ids(request), by=request.user)
            except LaunchRefused as error:
                refused = error.findings
            except (NotAllowed, WrongState) as error:
                refused = [str(error)]
            else:
                messages.success(request, revised_text(len(done)))
                return self.to_message(message)
        found = []
        try:
            found = self.outdated(request, message)
        except FileNotFoundError:
            refused = [str(FILE_MISSING)]
        context = {"outdated": found, "refused": refused}
        title = _("Also for the recipients still waiting?")
        return self.message_page(request, message, "waiting", title, context)

    def outdated(
        self, request: HttpRequest, message: EmlMessage
    ) -> list[dict[str, Any]]:
        return [
            {
                "mailing": outdated.mailing,
                "url": admin_url(self.admin_site, outdated.mailing),
                "waiting": outdated.waiting,
                "differences": named(outdated.differences),
            }
            for outdated in outdated_mailings(message, by=request.user)
        ]


def with_counts(message: EmlMessage) -> list[Any]:
    """The newest versions.

    Counted in the mailings of the message and in the tests: deliveries have no index of
    their versions, and without one all there are would be read.
    """
    versions: list[Any] = list(message.versions.order_by("-pk")[:VERSIONS_SHOWN])
    sent = Delivery.objects.filter(
        mailing__message=message, status=Delivery.Status.SENT
    )
    tests = Delivery.objects.filter(
        kind=Delivery.Kind.TEST, version__in=[version.pk for version in versions]
    )
    sent_counts, test_counts = by_version(sent), by_version(tests)
    for version in versions:
        version.sent_count = sent_counts.get(version.pk, 0)
        version.test_count = test_counts.get(version.pk, 0)
    return versions


def by_version(rows: QuerySet[Delivery]) -> dict[int | None, int]:
    counted = rows.order_by().values_list("version").annotate(count=Count("pk"))
    return dict(counted)


def message_mailings(user: Any, version: MessageVersion) -> Any:
    """Not that all rows of a mailing are read which never had it: see `links_of`."""
    sent = Delivery.objects.filter(mailing=OuterRef("pk"), version=version)
    corrected = Q(version__gt=version.pk, created_at__lt=version.created_at)
    message: Any = version.message  # whose page asks
    rows = message.mailings.filter(Q(version=version) | (corrected & Q(Exists(sent))))
    if not user.has_perm("massmail.view_mailingout"):
        return rows.none()
    return access_policy().visible(user, rows.distinct().order_by("pk"))


def chosen_ids(request: HttpRequest) -> set[int]:
    given = request.POST.getlist("mailing")
    return {int(key) for key in given if is_whole_number(key)}


def revised_text(count: int) -> str:
    if not count:
        return _("Nothing was changed for anybody.")
    text = ngettext(
        "Whoever still waits in %(count)d mailing gets the new text.",
        "Whoever still waits in %(count)d mailings gets the new text.",
        count,
    )
    return text % {"count": count}


def named(found: list[Difference]) -> list[tuple[str, Difference]]:
    """Each with the name of its field as the form has it."""
    return [(part_name(each.part), each) for each in found]


def part_name(part: str) -> str:
    names = {
        "images": _("pictures"),
        "attachments": _("files"),
        "signature_is_html": _("kind of signature"),
    }
    if part in names:
        return names[part]
    field: Any = EmlMessage._meta.get_field(part)
    return str(field.verbose_name)
