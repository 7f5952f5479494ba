"""A record's own page about mailings: what it got, and whether it gets any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from massmail.audience.target_lists import lists_for
from massmail.exceptions import NotAllowed
from massmail.forms.consent import ConsentForm
from massmail.models import (
    MailingOut,
    MassmailSettings,
    SuppressionChange,
)
from massmail.recipients.access import access_policy
from massmail.recipients.registry import offers_recipients, source_of
from massmail.recipients.source import RecipientSource
from massmail.reports.newsletter import State, newsletters
from massmail.reports.record_history import MailedOnce, history_of
from massmail.site.delivery_events import came_back
from massmail.site.links import admin_url
from massmail.site.mailing_facts import number
from massmail.site.reasons import reason_words
from massmail.tracking.by_hand import (
    LIFT,
    Person,
    allows_tracking,
    may_subscribe_again,
    opt_out,
    person_of,
    set_tracking_of,
    subscribe_again,
)
from massmail.tracking.list_scope import left_by, names_of

# So many lines of the don't-mail list's history are shown.
CHANGES = 20


class RecordMailings(admin.ModelAdmin):
    """Mixin for the admin of a model that is registered as a kind of recipient.

    Records of anything else have no such page; the system checks tell.
    """

    change_form_template = "admin/massmail/record_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "mailings": require_GET(self.mailings_view),
            "opt_out": require_POST(self.opt_out_view),
            "subscribe_again": require_POST(self.subscribe_again_view),
            "tracking": require_POST(self.tracking_view),
        }
        own = [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(view),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        record = kwargs.get("obj")
        if record and offers_recipients(self.model):
            context["mailings_url"] = admin_url(self.admin_site, record, "mailings")
        return super().render_change_form(request, context, *args, **kwargs)

    def mailings_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.mailings_page(request, self.record_or_404(request, object_id))

    def opt_out_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.decision(request, object_id, self.enter_opt_out)

    def subscribe_again_view(
        self, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        return self.decision(request, object_id, self.subscribe)

    def tracking_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Whether this person's opens and clicks may be noted."""
        record = self.record_or_404(request, object_id)
        is_allowed = "allow" in request.POST
        try:
            if not self.has_change_permission(request, record):
                raise NotAllowed(_("You may not change this record."))
            set_tracking_of(self.person(record), is_allowed=is_allowed, by=request.user)
        except NotAllowed as error:
            messages.error(request, str(error))
            return self.to_mailings(record)
        told = "tracking allowed" if is_allowed else "tracking forbidden"
        self.log_change(request, record, told)
        messages.success(request, tracking_text(is_allowed=is_allowed))
        return self.to_mailings(record)

    def decision(
        self,
        request: HttpRequest,
        object_id: str,
        carry_out: Callable[[HttpRequest, Any, str], None],
    ) -> HttpResponse:
        """For who may change the record, with a reason; back to its mailings."""
        record = self.record_or_404(request, object_id)
        form = ConsentForm(request.POST)
        if not self.has_change_permission(request, record):
            messages.error(request, _("You may not change this record."))
        elif not form.is_valid():
            return self.mailings_page(request, record, form)
        else:
            carry_out(request, record, form.cleaned_data["reason"])
        return self.to_mailings(record)

    def enter_opt_out(self, request: HttpRequest, record: Any, reason: str) -> None:
        waiting = opt_out(self.person(record), by=request.user, reason=reason)
        self.log_change(request, record, f"opted out: {reason}")
        messages.success(request, opted_out_text(waiting))

    def subscribe(self, request: HttpRequest, record: Any, reason: str) -> None:
        try:
            subscribe_again(self.person(record), by=request.user, reason=reason)
        except NotAllowed as error:
            messages.error(request, str(error))
            return
        self.log_change(request, record, f"subscribed again: {reason}")
        messages.success(request, _("Mailings reach this record again."))

    def mailings_page(
        self, request: HttpRequest, record: Any, form: ConsentForm | None = None
    ) -> TemplateResponse:
        source, user = source_of(self.model), request.user
        mailings = access_policy().visible(user, MailingOut.objects.all())
        newsletter = newsletters(source, [record.pk], mailings=mailings)[str(record.pk)]
        history = history_of(source, record, mailings=mailings)
        may_change = self.has_change_permission(request, record)
        person = self.person(record)
        has_left = newsletter.state == State.OPTED_OUT
        context = {
            **self.admin_site.each_context(request),
            "title": _("Mailings to %(name)s") % {"name": record},
            "subtitle": None,
            "opts": self.opts,
            "record": record,
            "newsletter": newsletter,
            "mails": [self.told(mail) for mail in history.mails],
            "history": history,
            "form": form or ConsentForm(),
            "tracking": self.tracking(request, person) if may_change else None,
            "tracking_url": admin_url(self.admin_site, record, "tracking"),
            "may_opt_out": may_change and not has_left,
            "may_subscribe": may_change
            and has_left
            and may_subscribe_again(person, user),
            "has_left": has_left,
            "changes": changes_of(person) if may_change else [],
            "lists": self.lists_of(user, source, record),
            "left_lists": left_lists(person),
            "record_url": admin_url(self.admin_site, record),
            "list_url": admin_url(self.admin_site, self.model),
            "opt_out_url": admin_url(self.admin_site, record, "opt_out"),
            "subscribe_url": admin_url(self.admin_site, record, "subscribe_again"),
        }
        request.current_app = self.admin_site.name
        template = "admin/massmail/record_mailings.html"
        return TemplateResponse(request, template, context)

    def tracking(self, request: HttpRequest, person: Person) -> dict[str, Any] | None:
        """None where nobody's opens and clicks are noted anyway."""
        settings, is_allowed = MassmailSettings.load(), allows_tracking(person)
        if is_allowed and not (settings.track_opens or settings.track_clicks):
            return None
        may_undo = request.user.has_perm(LIFT)
        return {
            "text": tracking_text(is_allowed=is_allowed),
            "is_allowed": is_allowed,
            "may_change": is_allowed or may_undo,
            "may_undo": may_undo,
        }

    def lists_of(
        self, user: Any, source: RecipientSource, record: Any
    ) -> list[dict[str, str]]:
        """Those target lists that the person sees and that have the record."""
        mine = lists_for(user).filter(
            members__content_type=source.content_type, members__object_id=str(record.pk)
        )
        return [
            {"name": one.name, "url": admin_url(self.admin_site, one)} for one in mine
        ]

    def told(self, mail: MailedOnce) -> dict[str, Any]:
        """A line of the table."""
        row = mail.delivery
        mailing: Any = row.mailing  # by which it was found
        message = row.version or mailing.message
        return {
            "mailing": mailing.name,
            "url": admin_url(self.admin_site, mailing),
            "subject": message.subject,
            "moment": row.sent_at or row.result_at or row.queued_at,
            "status": row.status,
            "status_text": _("not launched yet")
            if mailing.is_draft
            else row.get_status_display(),
            "reason": reason_words(row.reason),
            "server": row.smtp_text if row.status == "failed" else "",
            "answers": mail.answers,
            "came_back": came_back(mail.answers, mail.details),
        }

    def record_or_404(self, request: HttpRequest, object_id: str) -> Any:
        if not offers_recipients(self.model):
            raise Http404
        record = self.get_object(request, unquote(object_id))
        if record is None or not self.has_view_permission(request, record):
            raise Http404
        return record

    def person(self, record: Any) -> Person:
        return person_of(source_of(self.model), record)

    def to_mailings(self, record: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(admin_url(self.admin_site, record, "mailings"))


def left_lists(person: Person) -> str:
    """By the names that the recipient knows; colleagues' own names are theirs."""
    return names_of(
        left_by(
            person.key,
            content_type=person.source.content_type,
            object_id=person.object_id,
        )
    )


def changes_of(person: Person) -> list[SuppressionChange]:
    """Who put the address on the don't-mail list, and who took it off."""
    if not person.key:
        return []
    rows = SuppressionChange.objects.filter(address_key=person.key)
    return list(rows.select_related("by", "target_list")[:CHANGES])


def tracking_text(*, is_allowed: bool) -> str:
    if is_allowed:
        return _("This person's opens and clicks may be noted.")
    return _("This person's opens and clicks are not noted.")


def opted_out_text(waiting: int) -> str:
    if not waiting:
        return _("No mailing reaches this record any more.")
    text = ngettext(
        "No mailing reaches this record any more. %(number)s that waited is left out.",
        "No mailing reaches this record any more. %(number)s that waited are left out.",
        waiting,
    )
    return text % {"number": number(waiting)}
