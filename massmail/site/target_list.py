"""Target lists: the list of them, each one's page, and its members."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import models
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.site.odd_input import is_key
from massmail.audience.list_filters import form_of, is_broken, is_filter_of
from massmail.audience.target_lists import records_in, remove_members, sizes
from massmail.models import (
    MailingOut,
    SuppressedAddress,
    TargetList,
    TargetListMember,
)
from massmail.models.mailing_out import FINAL_STATUSES
from massmail.recipients.registry import sources
from massmail.recipients.source import RecipientSource
from massmail.site.base import OWNER_FILTER, MassmailAdmin
from massmail.site.beginnings import choices
from massmail.site.links import admin_url
from massmail.site.mailing_facts import number

PER_PAGE = 50


def counted(model: type[models.Model]) -> Coalesce:
    """How many rows of the model belong to a list, as a subquery."""
    rows = model._default_manager.filter(target_list=OuterRef("pk")).order_by()
    numbers = rows.values("target_list").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(numbers), 0, output_field=IntegerField())


class TargetListAdmin(MassmailAdmin):
    """Who is on a list is shown as far as the person may mail it, like everywhere.

    Records are put on a list in their own lists, where they are filtered and ticked.
    """

    change_form_template = "admin/massmail/targetlist/change_form.html"
    empty_hint = gettext_lazy(
        "A target list is whom you mail again and again. Name one here, or tick "
        "records in their list and choose “Add to a target list” among the actions. "
        "Who unsubscribes can leave one list and stay in the others."
    )
    list_display = ["name", "public_name", "kind", "size", "left", "owner"]
    list_filter = ["kind", OWNER_FILTER]
    list_select_related = ["owner"]
    search_fields = ["name", "public_name"]
    fields = ["name", "public_name", "owner", "department"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        rows = super().get_queryset(request).filter(retired_at=None)
        return rows.annotate(
            member_count=counted(TargetListMember),
            left_count=counted(SuppressedAddress),
        )

    def get_urls(self) -> list[URLPattern]:
        members = path(
            "<path:object_id>/members/",
            self.admin_site.admin_view(self.members_view),
            name="massmail_targetlist_members",
        )
        return [members, *super().get_urls()]

    @admin.display(description=gettext_lazy("records"), ordering="member_count")
    def size(self, target_list: Any) -> str:
        """A filter is only counted on its page: each takes a query of its own."""
        is_filter = target_list.kind == TargetList.Kind.FILTER
        return "–" if is_filter else number(target_list.member_count)

    @admin.display(description=gettext_lazy("unsubscribed"), ordering="left_count")
    def left(self, target_list: Any) -> str:
        return number(target_list.left_count)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if target_list := kwargs.get("obj"):
            context |= {
                "types": self.types_of(request, target_list),
                "mailings": self.mailings_of(request, target_list),
                "filter_texts": filter_texts(request.user, target_list),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def types_of(
        self, request: HttpRequest, target_list: TargetList
    ) -> list[dict[str, Any]]:
        """Of each type on the list how many, how many of them the person may mail, and
        where a mailing to them begins."""
        begin = {
            entry["label"]: entry["choose_url"]
            for entry in choices(self.admin_site, request)
        }
        here = admin_url(self.admin_site, target_list, "members")
        counts = sizes(target_list)
        found = []
        for source in sources():
            if not is_on(target_list, source, counts):
                continue
            create = begin.get(source.label, "")
            found.append(
                {
                    "name": capfirst(source.model._meta.verbose_name_plural),
                    "total": counts.get(source.content_type.pk),
                    "is_broken": is_broken(request.user, source, target_list),
                    "mine": records_in(request.user, source, [target_list]).count(),
                    "url": f"{here}?type={source.label}",
                    "create_url": create and f"{create}?list-include={target_list.pk}",
                }
            )
        return found

    def mailings_of(
        self, request: HttpRequest, target_list: TargetList
    ) -> list[dict[str, str]]:
        """The latest that the person sees."""
        rows = self.access_policy().visible(
            request.user, MailingOut.objects.filter(target_lists=target_list)
        )
        return [
            {"name": mailing.name, "url": admin_url(self.admin_site, mailing)}
            for mailing in rows.order_by("-pk")[:10]
        ]

    def members_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One type at a time, by pages; who may change the list takes records off."""
        target_list = self.object_or_404(request, object_id)
        source = chosen_source(request, target_list)
        may_remove = (
            target_list.kind == TargetList.Kind.STATIC
            and self.has_change_permission(request, target_list)
        )
        if request.method == "POST" and source:
            if not may_remove:
                raise PermissionDenied
            return self.remove(request, target_list, source)
        records = records_in(request.user, source, [target_list]) if source else None
        page = page_of(request, records) if records is not None else None
        context = {
            "target_list": target_list,
            "types": self.types_of(request, target_list),
            "kind": capfirst(source.model._meta.verbose_name_plural) if source else "",
            "page": page,
            "people": people(source, page) if source and page else [],
            "may_remove": may_remove,
            "type_label": source.label if source else "",
            "list_url": admin_url(self.admin_site, TargetList),
            "target_list_url": admin_url(self.admin_site, target_list),
        }
        title = _("Who is on “%(name)s”") % {"name": target_list}
        return self.framed_page(request, "members", title, context)

    def remove(
        self, request: HttpRequest, target_list: TargetList, source: RecipientSource
    ) -> HttpResponse:
        """Those that were ticked, as far as they are shown to the person."""
        pk = source.model._meta.pk
        keys = [key for key in request.POST.getlist("record") if is_key(pk, key)]
        shown = records_in(request.user, source, [target_list])
        count = remove_members(target_list, shown.filter(pk__in=keys))
        self.message_user(request, removed_text(count), messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    def holders(self, objs: Any) -> list[str]:
        """A mailing that has not ended needs to know whom it leaves out, and what its
        recipients can leave."""
        using = MailingOut.objects.exclude(status__in=FINAL_STATUSES).filter(
            models.Q(target_lists__in=objs) | models.Q(excluded_lists__in=objs)
        )
        names = list(using.distinct().values_list("name", flat=True)[:10])
        return [_("mailing “%(name)s”") % {"name": name} for name in names]

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Members are counted, not listed; what people decided is never deleted."""
        forbidden = {
            str(self.opts.verbose_name)
            for obj in objs
            if not self.has_delete_permission(request, obj)
        }
        members = TargetListMember.objects.filter(target_list__in=objs).count()
        counts = {str(TargetListMember._meta.verbose_name_plural): members}
        return [str(obj) for obj in objs], counts, forbidden, self.holders(objs)

    def delete_model(self, request: HttpRequest, obj: TargetList) -> None:
        obj.discard()

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        for target_list in queryset:
            target_list.discard()


def is_on(
    target_list: TargetList, source: RecipientSource, counts: dict[int, int]
) -> bool:
    return source.content_type.pk in counts or is_filter_of(target_list, source)


def chosen_source(
    request: HttpRequest, target_list: TargetList
) -> RecipientSource | None:
    """The type that was asked for, or the first of which there is something."""
    counts = sizes(target_list)
    offered = [one for one in sources() if is_on(target_list, one, counts)]
    wanted = request.GET.get("type", "")
    asked = [one for one in offered if one.label == wanted]
    return next(iter(asked + offered), None)


def page_of(request: HttpRequest, records: models.QuerySet) -> Page:
    return Paginator(records.order_by("pk"), PER_PAGE).get_page(request.GET.get("p"))


def people(source: RecipientSource, page: Page) -> list[dict[str, Any]]:
    """Name and address of the page's records, in one query."""
    pks = [record.pk for record in page.object_list]
    found = source.without_variables().recipients(pks)
    return [
        {
            "key": str(pk),
            "name": found[str(pk)].name or found[str(pk)].address or str(pk),
            "address": found[str(pk)].address,
        }
        for pk in pks
        if str(pk) in found
    ]


def filter_texts(user: Any, target_list: TargetList) -> list[str]:
    """What the list's filter says, in the words of its form."""
    for source in sources():
        if is_filter_of(target_list, source):
            form: Any = form_of(target_list, source, source.records_for(user))
            return [
                f"{form.fields[name].label}: {shown(form, name)}"
                for name in form.fields
                if form.data.getlist(form.add_prefix(name))
            ]
    return []


def shown(form: Any, name: str) -> str:
    """Labels where there are choices, what was typed elsewhere."""
    values = form.data.getlist(form.add_prefix(name))
    choices = getattr(form.fields[name], "choices", None)
    if choices is None:
        return ", ".join(values)
    labels = {str(value): str(label) for value, label in choices}
    # The key of what was deleted tells nobody anything.
    return ", ".join(labels.get(value, _("deleted meanwhile")) for value in values)


def removed_text(count: int) -> str:
    text = ngettext(
        "%(number)s record was taken off the list.",
        "%(number)s records were taken off the list.",
        count,
    )
    return text % {"number": number(count)}
