"""From a selection in a list of records to a mailing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.audience.selection import prepare_selected, store_selection
from massmail.audience.vips import addressable
from massmail.exceptions import NotAllowed
from massmail.forms.create_mailing import NEW, CreateMailingForm
from massmail.forms.target_lists import NO_LISTS, ChosenLists, ExcludedLists
from massmail.models import EmailAccount, MailingOut
from massmail.orchestrator.message_fit import misfit
from massmail.permissions import main_account, mass_mail_accounts
from massmail.recipients.registry import source_of
from massmail.site.links import add_url_if_allowed, admin_url

TEMPLATE = "admin/massmail/create_mailing.html"
# Up to so many recipients are added while the manager waits: it takes well below a
# second. The time only keeps a database that is stuck from holding the page.
AT_ONCE = 500
SECONDS_AT_ONCE = 20.0


class Chosen:
    """What was ticked in a list: `count` records, of which the user may mail `mine`."""

    def __init__(self, user: Any, records: QuerySet) -> None:
        self.user, self.records = user, records
        self.count = records.count()

    @cached_property
    def mine(self) -> int:
        return addressable(self.user, self.records).count()

    @property
    def foreign(self) -> int:
        return self.count - self.mine


def create_mailing_page(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet
) -> HttpResponse | None:
    """The page that asks, and what follows from its answer; None: back to the list."""
    chosen = Chosen(request.user, queryset)
    if not chosen.count:
        text = _("None of the selected records is there any more. Nothing was created.")
        messages.warning(request, text)
        return None
    data = request.POST if "create" in request.POST else None
    source = source_of(queryset.model)
    lists = ExcludedLists(data, prefix="list", user=request.user, source=source)
    form = CreateMailingForm(
        data,
        user=request.user,
        source=source,
        initial={"name": suggested_name(queryset), "counted": chosen.count},
    )
    # Each is asked, so that each tells its errors.
    if all([form.is_valid(), lists.is_valid()]) and still_the_same(form, chosen):
        site, answer = model_admin.admin_site, form.cleaned_data
        return create(site, request, answer, chosen, lists=lists.chosen)
    return ask(model_admin, request, form, chosen, lists)


def suggested_name(queryset: QuerySet) -> str:
    kind = capfirst(queryset.model._meta.verbose_name_plural)
    return f"{kind}, {date_format(timezone.localdate())}"


def still_the_same(form: CreateMailingForm, chosen: Chosen) -> bool:
    """Records may have come or gone while the page was open."""
    told = form.cleaned_data["counted"]
    if told == chosen.count:
        return True
    form.add_error(None, changed_text(chosen.count, told))
    # Shown again, it tells the new number.
    form.data = form.data.copy()
    form.data["counted"] = str(chosen.count)
    return False


def changed_text(now: int, before: int) -> str:
    text = ngettext(
        "The list has changed meanwhile: %(now)d record is selected, it was "
        "%(before)d. Is that what you want?",
        "The list has changed meanwhile: %(now)d records are selected, it was "
        "%(before)d. Is that what you want?",
        now,
    )
    return text % {"now": now, "before": before}


def create(
    site: AdminSite,
    request: HttpRequest,
    answer: dict[str, Any],
    chosen: Chosen,
    filters: str | None = None,
    lists: ChosenLists = NO_LISTS,
) -> HttpResponse:
    """`filters` is the query by which they were chosen, if it can be asked again."""
    try:
        mailing = store(request.user, answer, chosen, filters, lists)
    except NotAllowed as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(request.get_full_path())
    if chosen.count <= AT_ONCE:
        prepare_selected(mailing, seconds=SECONDS_AT_ONCE)
    if answer["how"] == NEW:
        text = _("The recipients are chosen. Now write the message.")
        messages.success(request, text)
        url = admin_url(site, mailing.message, mailing=mailing.pk)
        return HttpResponseRedirect(url)
    messages.success(request, created_text(mailing, chosen.count))
    if text := misfit(mailing.message, source_of(chosen.records.model)):
        messages.warning(request, text)
    return HttpResponseRedirect(admin_url(site, mailing))


@transaction.atomic
def store(
    owner: Any,
    answer: dict[str, Any],
    chosen: Chosen,
    filters: str | None,
    lists: ChosenLists,
) -> MailingOut:
    message = answer["message"]
    if message.pk is None:
        message.save()
    mailing = store_selection(
        owner=owner,
        message=message,
        recipients=chosen.records,
        name=answer["name"],
        target_lists=lists.included,
        excluded_lists=lists.excluded,
    )
    if filters is not None:
        mailing.selection["filters"] = filters
        mailing.save(update_fields=["selection"])
    return mailing


def created_text(mailing: MailingOut, count: int) -> str:
    text = ngettext(
        "“%(name)s” was created for %(count)d recipient. Nothing is sent before you "
        "launch it.",
        "“%(name)s” was created for %(count)d recipients. Nothing is sent before you "
        "launch it.",
        count,
    )
    return text % {"name": mailing.name, "count": count}


def ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    form: CreateMailingForm,
    chosen: Chosen,
    lists: ExcludedLists,
) -> TemplateResponse:
    site, opts = model_admin.admin_site, model_admin.opts
    context = {
        **site.each_context(request),
        "title": _("Create a mailing"),
        "subtitle": None,
        "opts": opts,
        "form": form,
        "lists": lists,
        "chosen": chosen,
        "chosen_names": model_ngettext(opts, chosen.count),
        "selected_keys": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across") == "1",
        "accounts": accounts_of(request.user),
        "add_account_url": add_url_if_allowed(site, request, EmailAccount),
        "has_messages": form.fields["message"].initial is not None,
        "back_url": request.get_full_path(),
        "media": form.media,
    }
    request.current_app = site.name
    return TemplateResponse(request, TEMPLATE, context)


def accounts_of(user: Any) -> str:
    """What the user can mail with: "all", only VIPs ("main"), or nobody ("")."""
    if EmailAccount.objects.filter(mass_mail_accounts(user.pk)).exists():
        return "all"
    return "main" if EmailAccount.objects.filter(main_account(user.pk)).exists() else ""
