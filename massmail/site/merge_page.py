"""The page that merges other mailings with the same message into this one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.utils.helpers import is_whole_number
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import MailingOut
from massmail.orchestrator.merge_candidates import previewed
from massmail.orchestrator.merging import Merged, merge
from massmail.site.create_mailing import SECONDS_AT_ONCE
from massmail.site.mailing_base import MailingPages
from massmail.site.mailing_facts import number


class MergePage(MailingPages):
    """Mixin: the mailing takes over the waiting recipients of others."""

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/merge/",
            self.admin_site.admin_view(self.merge_view),
            name="massmail_mailingout_merge",
        )
        return [own, *super().get_urls()]

    def merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailing = self.object_or_404(request, object_id)
        late = mailing.is_final or mailing.prepared_at is None
        if refused := self.refusal(request, mailing, "cancel", too_late=late):
            return refused
        is_post = request.method == "POST"
        merged = self.merge_chosen(request, mailing) if is_post else None
        if merged and not merged.rest:
            return self.to_mailing(mailing)
        context = {
            "candidates": previewed(mailing),
            "ticked": request.POST.getlist("mailing"),
            "leave_tried": "leave_tried" in request.POST,
            # The page sends itself again: nobody presses for each part of many.
            "goes_on": merged is not None,
        }
        title = _("Merge other mailings into this one")
        return self.page(request, mailing, "merge", title, context)

    def merge_chosen(self, request: HttpRequest, mailing: MailingOut) -> Merged | None:
        """What was done in the time of a request; None for a refusal, which is told."""
        keys = [key for key in request.POST.getlist("mailing") if is_whole_number(key)]
        try:
            merged = merge(
                mailing,
                self.get_queryset(request).filter(pk__in=keys),
                by=request.user,
                leave_tried="leave_tried" in request.POST,
                seconds=SECONDS_AT_ONCE,
            )
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
            return None
        level = messages.WARNING if merged.rest else messages.SUCCESS
        self.message_user(request, merged_text(merged), level)
        return merged


def merged_text(merged: Merged) -> str:
    """What became of the recipients, with their numbers."""
    parts = [moved_text(merged.moved)]
    if merged.known:
        text = ngettext(
            "%(number)s was among the recipients already.",
            "%(number)s were among the recipients already.",
            merged.known,
        )
        parts.append(text % {"number": number(merged.known)})
    if merged.left:
        text = ngettext(
            "%(number)s that was tried already is left out.",
            "%(number)s that were tried already are left out.",
            merged.left,
        )
        parts.append(text % {"number": number(merged.left)})
    if merged.rest:
        text = ngettext(
            "%(number)s is still to be taken over. It goes on by itself; where it "
            "does not, press “Merge”.",
            "%(number)s are still to be taken over. It goes on by itself; where it "
            "does not, press “Merge”.",
            merged.rest,
        )
        parts.append(text % {"number": number(merged.rest)})
    return " ".join(parts)


def moved_text(count: int) -> str:
    text = ngettext(
        "%(number)s recipient was taken over.",
        "%(number)s recipients were taken over.",
        count,
    )
    return text % {"number": number(count)}
