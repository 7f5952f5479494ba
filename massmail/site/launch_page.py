"""The page that says what a launch will do, and the launch."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.exceptions import LaunchRefused, NotAllowed, WrongState
from massmail.forms.launch import LaunchForm, schedule_of
from massmail.models import EmailAccount, MailingOut
from massmail.orchestrator import lifecycle
from massmail.orchestrator.launch_plan import LaunchPlan, launch_plan
from massmail.orchestrator.message_fit import misfit
from massmail.recipients.access import access_policy
from massmail.recipients.registry import source_for
from massmail.reports.statistics import Group, progress_of
from massmail.site.forecast_facts import forecast_facts
from massmail.site.links import add_url_if_allowed, admin_url, url_if_visible
from massmail.site.mailing_facts import MANY, number, reason_groups
from massmail.site.missing_values import MissingValuesFile
from massmail.site.preflight_advice import advised
from massmail.site.reasons import reason_words

# In the query string: check all recipients before the page comes, however many.
CHECK = "check"


class LaunchPage(MissingValuesFile):
    """Mixin: from a draft to a mailing that sends."""

    def get_urls(self) -> list[URLPattern]:
        launch = path(
            "<path:object_id>/launch/",
            self.admin_site.admin_view(self.launch_view),
            name="massmail_mailingout_launch",
        )
        return [launch, *super().get_urls()]

    def launch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailing = self.object_or_404(request, object_id)
        late = not mailing.is_draft
        if refused := self.refusal(request, mailing, "launch", too_late=late):
            return refused
        if mailing.prepared_at is None:
            messages.info(request, _("The recipients are still being added."))
            return self.to_mailing(mailing)
        data = request.POST if request.method == "POST" else None
        form = LaunchForm(data, initial=schedule_of(mailing))
        if form.is_valid() and self.launched(request, mailing, form):
            return self.to_mailing(mailing)
        is_checked = mailing.recipients_count <= MANY or CHECK in request.GET
        context = self.launch_context(request, mailing, form, is_checked)
        return self.page(request, mailing, "launch", _("Launch the mailing"), context)

    def launched(
        self, request: HttpRequest, mailing: MailingOut, form: LaunchForm
    ) -> bool:
        """Whether it was, now or before; False: something must be mended first."""
        answer = dict(form.cleaned_data)
        reason = answer.pop("override_reason")
        save_schedule(mailing, **answer)
        is_long = mailing.recipients_count > MANY
        action = lifecycle.order_launch if is_long else lifecycle.launch
        try:
            action(mailing, by=request.user, override_reason=reason)
        except LaunchRefused as refused:
            form.add_error(None, refused.findings)
            return False
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
            return True
        text = ordered_text() if is_long else launched_text(mailing)
        messages.success(request, text)
        return True

    def launch_context(
        self,
        request: HttpRequest,
        mailing: MailingOut,
        form: LaunchForm,
        is_checked: bool,
    ) -> dict[str, Any]:
        """Where there are many recipients, the page comes before they are checked."""
        plan = launch_plan(mailing, with_recipients=is_checked)
        may_override = access_policy().may(request.user, "override_preflight", mailing)
        passable = not plan.blocking or (plan.may_be_overridden and may_override)
        progress = progress_of(mailing)
        is_possible = bool(passable and plan.to_mail and not plan.error)
        site = self.admin_site
        outlook = forecast_facts(site, request, mailing, progress) if is_checked else {}
        return {
            "is_checked": is_checked,
            "check_url": f"?{CHECK}=1",
            "form": form,
            "plan": plan,
            "is_possible": is_possible,
            # Says what can be written instead.
            "misfit": plan.error
            and misfit(mailing.message, source_for(mailing.content_type)),
            "asks_reason": bool(plan.blocking) and passable and not plan.error,
            "blocking": advised(plan.blocking),
            "warnings": advised(plan.warnings),
            "notes": advised(plan.notes),
            "skips": skips(plan),
            "left_out": reason_groups(site, mailing, progress),
            "incomplete": self.incomplete(request, mailing, plan),
            "missing_url": admin_url(self.admin_site, mailing, "missing"),
            "message_url": self.message_url(request, mailing),
            "preview_url": self.preview_url(request, mailing),
            "test_url": self.test_url(request, mailing),
            "add_account_url": add_url_if_allowed(site, request, EmailAccount),
            "zone": timezone.get_current_timezone_name(),
            **outlook,
        }

    def incomplete(
        self, request: HttpRequest, mailing: MailingOut, plan: LaunchPlan
    ) -> list[dict[str, Any]]:
        """Recipients without a value that the message needs, with their records."""
        source = source_for(mailing.content_type)
        rows = [
            (item, source.pk_of(item.delivery.object_id)) for item in plan.incomplete
        ]
        records = source.model._base_manager.in_bulk([key for _item, key in rows])
        return [
            {
                "name": item.delivery.name or item.delivery.address,
                "missing": ", ".join(item.missing),
                "url": url_if_visible(self.admin_site, request, records.get(key)),
            }
            for item, key in rows
        ]


def save_schedule(mailing: MailingOut, **moments: Any) -> None:
    """Only of a draft: somebody else may be launching it at this moment."""
    MailingOut.objects.drafts().filter(pk=mailing.pk).update(**moments)


def skips(plan: LaunchPlan) -> list[dict[str, Any]]:
    """Who waits now and would not be mailed, the most frequent reason first."""
    return [
        {"words": reason_words(reason), "reason": reason, "count": count}
        for reason, count in plan.to_skip.most_common()
    ]


def ordered_text() -> str:
    return _("It is being launched. You need not wait for it.")


def launched_text(mailing: MailingOut) -> str:
    groups = progress_of(mailing).groups
    waiting, skipped = groups[Group.WAITING], groups[Group.SKIPPED]
    text = ngettext(
        "Launched: %(count)s recipient will be mailed.",
        "Launched: %(count)s recipients will be mailed.",
        waiting,
    ) % {"count": number(waiting)}
    if not skipped:
        return text
    more = ngettext(
        "%(count)s will not be; the reason is below.",
        "%(count)s will not be; the reasons are below.",
        skipped,
    )
    return f"{text} {more % {'count': number(skipped)}}"
