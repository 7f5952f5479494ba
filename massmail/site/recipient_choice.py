"""The button "Create mailing": the type of recipients, filters, then the mailing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from massmail.audience.list_filters import PREFIX
from massmail.forms.create_mailing import CreateMailingForm
from massmail.forms.mailing_filter import MailingFilter
from massmail.forms.target_lists import ListChoice, SaveFilterForm
from massmail.models import EmailAccount, MailingOut
from massmail.recipients.registry import sources
from massmail.recipients.source import RecipientSource
from massmail.site.beginnings import choices
from massmail.site.create_mailing import (
    Chosen,
    accounts_of,
    create,
    still_the_same,
    suggested_name,
)
from massmail.site.links import add_url_if_allowed, admin_url
from massmail.site.mailing_base import MailingPages
from massmail.site.mailing_facts import number

# So many of the records are shown by name.
SAMPLE = 10


class Choice:
    """What the filters of a type mean to one person: his records, filtered."""

    def __init__(self, user: Any, source: RecipientSource, data: Any) -> None:
        self.user, self.source = user, source
        self.all = source.records_for(user)
        self.forms = list(self.make_forms(data))

    def make_forms(self, data: Any) -> Any:
        if self.source.filter_form:
            yield self.source.filter_form(data, prefix=PREFIX, records=self.all)
        self.lists = ListChoice(data, prefix="list", user=self.user, source=self.source)
        yield self.lists
        yield MailingFilter(data, prefix="mail", source=self.source, records=self.all)

    def query(self, data: QueryDict, forms: list[Any] | None = None) -> str:
        """The filters that were used, as they come back in an address."""
        used = QueryDict(mutable=True)
        for form in self.forms if forms is None else forms:
            for name in form.fields:
                key = form.add_prefix(name)
                used.setlist(key, [value for value in data.getlist(key) if value])
        return used.urlencode()

    @property
    def own_query(self) -> str:
        """Of the type's own filter."""
        form = self.forms[0]
        return self.query(form.data, [form]) if form.is_bound else ""

    @property
    def other_filters(self) -> bool:
        """Whether anything was asked besides."""
        return any(form.is_bound and form.has_changed() for form in self.forms[1:])

    @property
    def is_valid(self) -> bool:
        """Unbound forms ask for everybody, as blank ones do."""
        # Each is asked, so that each tells its errors.
        answers = [not form.is_bound or form.is_valid() for form in self.forms]
        return all(answers)

    @cached_property
    def records(self) -> QuerySet:
        queryset = self.all
        for form in self.forms:
            if form.is_bound:
                queryset = form.filter(queryset, form.cleaned_data)
        return queryset

    @property
    def errors(self) -> list[str]:
        return [
            f"{form.fields[name].label}: {error}" if name in form.fields else str(error)
            for form in self.forms
            for name, errors in form.errors.items()
            for error in errors
        ]

    def sample(self) -> list[dict[str, str]]:
        pks = list(self.records.order_by("pk").values_list("pk", flat=True)[:SAMPLE])
        found = self.source.recipients(pks)
        recipients = [found[str(pk)] for pk in pks if str(pk) in found]
        return [
            {"name": recipient.name or recipient.address, "address": recipient.address}
            for recipient in recipients
        ]

    def facts(self) -> dict[str, Any]:
        """The count in words, and a few of them; the same for page and refresh."""
        if not self.is_valid:
            return {"count": None, "text": "", "errors": self.errors, "sample": []}
        count = self.records.count()
        return {
            "count": count,
            "text": count_text(count),
            "errors": [],
            "sample": self.sample(),
        }


def count_text(count: int) -> str:
    text = ngettext("%(number)s is chosen.", "%(number)s are chosen.", count)
    return text % {"number": number(count)}


class RecipientChoicePages(MailingPages):
    """Mixin: pages from which a mailing begins without a list of records."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, tuple[str, Any]] = {
            "create": ("create/", require_GET(self.choose_type_view)),
            "create_count": (
                "create/<str:label>/count/",
                require_GET(never_cache(self.count_view)),
            ),
            "create_for": ("create/<str:label>/", self.choose_view),
        }
        own = [
            path(
                route,
                self.admin_site.admin_view(view),
                name=f"massmail_mailingout_{name}",
            )
            for name, (route, view) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def choose_type_view(self, request: HttpRequest) -> HttpResponse:
        self.require_creation(request)
        types = choices(self.admin_site, request)
        context = {
            "types": types,
            "list_url": admin_url(self.admin_site, MailingOut),
        }
        return self.framed_page(request, "choose_type", _("Create a mailing"), context)

    def choose_view(self, request: HttpRequest, label: str) -> HttpResponse:
        """Filters and the mailing's name in one form; nothing but "create" writes."""
        source = self.source_or_404(request, label)
        data = request.POST if request.method == "POST" else request.GET or None
        choice = Choice(request.user, source, data)
        facts = choice.facts()
        form = self.creation_form(request, source, facts["count"])
        list_form = self.list_form(request, choice)
        if list_form and list_form.is_bound and list_form.is_valid():
            target_list = list_form.save()
            self.message_user(request, _("The filter was kept as a target list."))
            return HttpResponseRedirect(admin_url(self.admin_site, target_list))
        if "create" in request.POST and not facts["errors"] and form.is_valid():
            if not facts["count"]:
                form.add_error(None, _("Nobody is chosen. Nothing was created."))
            elif still_the_same(form, chosen := Chosen(request.user, choice.records)):
                filters = choice.query(request.POST)
                return create(
                    self.admin_site,
                    request,
                    form.cleaned_data,
                    chosen,
                    filters,
                    choice.lists.chosen,
                )
        context = {
            "choice": choice,
            "facts": facts,
            "form": form,
            "list_form": list_form,
            "kind": capfirst(source.model._meta.verbose_name_plural),
            "accounts": accounts_of(request.user),
            "add_account_url": add_url_if_allowed(
                self.admin_site, request, EmailAccount
            ),
            "has_messages": form.fields["message"].initial is not None,
            "media": form.media,
            "count_url": f"{request.path}count/",
            "list_url": admin_url(self.admin_site, MailingOut),
            "types_url": admin_url(self.admin_site, MailingOut, "create"),
        }
        return self.framed_page(request, "choose", _("Create a mailing"), context)

    def creation_form(
        self, request: HttpRequest, source: RecipientSource, count: int | None
    ) -> CreateMailingForm:
        """Checked only when the mailing is to be created; else it keeps what it has."""
        is_final = "create" in request.POST
        initial = {"name": suggested_name(source.records_for(request.user))}
        if not is_final:
            initial |= {
                name: value
                for name in ("name", "how", "message", "subject", "layout")
                if (value := request.POST.get(name))
            }
        form = CreateMailingForm(
            request.POST if is_final else None,
            user=request.user,
            source=source,
            initial=initial | {"counted": count},
        )
        for name in ("how", "message"):
            if name in initial:
                form.fields[name].initial = initial[name]
        return form

    def list_form(self, request: HttpRequest, choice: Choice) -> SaveFilterForm | None:
        """Keeps the filter of the type as a list; None where there is none to keep."""
        if not choice.source.filter_form or not all(
            request.user.has_perm(f"massmail.{right}_targetlist")
            for right in ("add", "change")
        ):
            return None
        data = request.POST if "keep" in request.POST else None
        return SaveFilterForm(data, prefix="keep", user=request.user, choice=choice)

    def count_view(self, request: HttpRequest, label: str) -> JsonResponse:
        """What is chosen now, while the manager ticks."""
        source = self.source_or_404(request, label)
        facts = Choice(request.user, source, request.GET).facts()
        template = "admin/massmail/mailingout/choose_sample.html"
        facts["html"] = render_to_string(template, {"facts": facts})
        return JsonResponse(facts)

    def require_creation(self, request: HttpRequest) -> None:
        if not request.user.has_perm("massmail.add_mailingout"):
            raise PermissionDenied

    def source_or_404(self, request: HttpRequest, label: str) -> RecipientSource:
        """The type's source, when its list is one that the person may begin from."""
        self.require_creation(request)
        allowed = {entry["label"] for entry in choices(self.admin_site, request)}
        for source in sources():
            if source.label == label and label in allowed:
                return source
        raise Http404
