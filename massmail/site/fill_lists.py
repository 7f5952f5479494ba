"""Putting ticked records on a target list, and taking them off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.audience.target_lists import add_members, remove_members
from massmail.forms.target_lists import EmptyListForm, FillListForm
from massmail.models import TargetList
from massmail.site.create_mailing import Chosen
from massmail.site.links import admin_url
from massmail.site.mailing_facts import number
from massmail.site.target_list import removed_text

TEMPLATE = "admin/massmail/fill_list.html"


def add_page(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    """Asks for the list, then puts those on it that the person may mail."""

    def add(target_list: TargetList, chosen: Chosen) -> str:
        added = add_members(target_list, queryset, by=request.user)
        parts = [added_text(added)]
        if known := chosen.mine - added:
            parts.append(known_text(known))
        if chosen.foreign:
            parts.append(foreign_text(chosen.foreign))
        return " ".join(parts)

    title = _("Add to a target list")
    return ask(
        model_admin, request, queryset, "add_to_target_list", title, FillListForm, add
    )


def remove_page(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    """Asks for the list, then takes the records off it."""

    def remove(target_list: TargetList, chosen: Chosen) -> str:
        return removed_text(remove_members(target_list, queryset))

    title = _("Remove from a target list")
    return ask(
        model_admin,
        request,
        queryset,
        "remove_from_target_list",
        title,
        EmptyListForm,
        remove,
    )


def ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    queryset: QuerySet,
    action: str,
    title: str,
    form_class: type[FillListForm],
    carry_out: Callable[[TargetList, Chosen], str],
) -> HttpResponse | None:
    """The page, or, with its answer, what was done; None: back to the list."""
    chosen = Chosen(request.user, queryset)
    if not chosen.count:
        text = _("None of the selected records is there any more. Nothing was done.")
        messages.warning(request, text)
        return None
    data = request.POST if "apply" in request.POST else None
    form = form_class(data, user=request.user)
    if form.is_valid():
        target_list = form.save()
        told = carry_out(target_list, chosen)
        link = admin_url(model_admin.admin_site, target_list)
        text = format_html('<a href="{}">{}</a>: {}', link, target_list.name, told)
        messages.success(request, text)
        return None
    site, opts = model_admin.admin_site, model_admin.opts
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": title,
        "subtitle": None,
        "opts": opts,
        "form": form,
        "action": action,
        "chosen": chosen,
        "chosen_names": model_ngettext(opts, chosen.count),
        "selected_keys": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across") == "1",
        "back_url": request.get_full_path(),
    }
    request.current_app = site.name
    return TemplateResponse(request, TEMPLATE, context)


def added_text(count: int) -> str:
    text = ngettext(
        "%(number)s record was put on the list.",
        "%(number)s records were put on the list.",
        count,
    )
    return text % {"number": number(count)}


def known_text(count: int) -> str:
    text = ngettext(
        "%(number)s was on it already.", "%(number)s were on it already.", count
    )
    return text % {"number": number(count)}


def foreign_text(count: int) -> str:
    text = ngettext(
        "%(count)d is not assigned to you and was left alone.",
        "%(count)d are not assigned to you and were left alone.",
        count,
    )
    return text % {"count": count}
