"""The list of mailings: each with its progress, pace and accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from common.utils.helpers import is_whole_number
from massmail.models import MailingOut
from massmail.site.base import OWNER_FILTER
from massmail.site.beginnings import beginnings, create_url
from massmail.site.mailing_facts import list_facts
from massmail.site.mailing_filters import (
    SEARCH_HELP,
    AccountFilter,
    DepartmentFilter,
    text_fields,
)
from massmail.site.mailing_picture import MailingPicture


class MailingChangeList(ChangeList):
    """Brings what is told of the mailings of one page, by few queries."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet:
        """Of the texts the list needs their subjects alone; they may be long."""
        places, names = ("message", "version"), ("content", "text")
        texts = [f"{place}__{name}" for place in places for name in names]
        return super().get_queryset(request, *args, **kwargs).defer(*texts)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        facts = list_facts(self.result_list)
        for mailing in self.result_list:
            mailing.facts = facts[mailing.pk]


class MailingList(MailingPicture):
    """Mixin: the list, and what refreshes it."""

    change_list_template = "admin/massmail/mailingout/change_list.html"
    list_display = [
        "picture",
        "name_and_subject",
        "progress",
        "state",
        "accounts",
        "owner",
    ]
    list_display_links = ["name_and_subject"]
    list_filter = ["status", OWNER_FILTER, DepartmentFilter, AccountFilter]
    list_select_related = ["message", "version", "content_type", "owner"]
    # What else is searched depends on the person.
    search_fields = ["name"]
    search_help_text = SEARCH_HELP
    date_hierarchy = "created_at"
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        view = require_GET(never_cache(self.list_progress_view))
        progress = path(
            "progress/",
            self.admin_site.admin_view(view),
            name="massmail_mailingout_list_progress",
        )
        return [progress, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MailingChangeList

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return text_fields(request)

    def list_progress_view(self, request: HttpRequest) -> JsonResponse:
        """Facts of the mailings `ids=1,2,3` that the person may see."""
        wanted = request.GET.get("ids", "").split(",")
        ids = [int(key) for key in wanted[: self.list_per_page] if is_whole_number(key)]
        rows = self.get_queryset(request).filter(pk__in=ids)
        mailings = rows.select_related(*self.list_select_related)
        return JsonResponse({"mailings": list_facts(mailings)})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "progress_url": reverse(
                "admin:massmail_mailingout_list_progress",
                current_app=self.admin_site.name,
            ),
            "beginnings": beginnings(self.admin_site, request),
            "create_url": create_url(self.admin_site, request),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description=_("recipients' type"), ordering="content_type")
    def recipients_type(self, mailing: MailingOut) -> str:
        """Their model's name; its app may be gone."""
        model = mailing.content_type.model_class()
        return capfirst(str(model._meta.verbose_name_plural)) if model else "–"

    @admin.display(
        description=MailingOut._meta.get_field("name").verbose_name, ordering="name"
    )
    def name_and_subject(self, mailing: MailingOut) -> str:
        """The subject is that of the text that recipients get; the day of creation
        is enough for a list, the time is on the mailing's page."""
        text = mailing.version or mailing.message
        return render_to_string(
            "admin/massmail/mailingout/list_name.html",
            {
                "mailing": mailing,
                "subject": text.subject,
                "created_on": timezone.localdate(mailing.created_at),
            },
        )

    @admin.display(description=_("accounts"), empty_value="")
    def accounts(self, mailing: Any) -> str:
        """Through which the rest leaves, each with its state."""
        accounts = mailing.facts["accounts"]
        template = "admin/massmail/mailingout/list_accounts.html"
        return render_to_string(template, {"accounts": accounts}) if accounts else ""

    @admin.display(description=_("progress"))
    def progress(self, mailing: Any) -> str:
        return render_to_string(
            "admin/massmail/mailingout/list_progress.html",
            {"mailing": mailing, "facts": mailing.facts},
        )

    @admin.display(description=_("status"), ordering="status")
    def state(self, mailing: Any) -> str:
        return render_to_string(
            "admin/massmail/mailingout/list_state.html",
            {
                "mailing": mailing,
                "facts": mailing.facts,
                "recipients_type": self.recipients_type(mailing),
            },
        )
