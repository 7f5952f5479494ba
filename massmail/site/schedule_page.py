"""Other times for a mailing that is launched already."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.exceptions import NotAllowed, WrongState
from massmail.forms.launch import ScheduleForm, schedule_of
from massmail.models import MailingOut
from massmail.orchestrator.schedule import reschedule
from massmail.site.mailing_base import MailingPages


class SchedulePage(MailingPages):
    """Mixin: begin and end of a mailing, as long as it has not ended."""

    def get_urls(self) -> list[URLPattern]:
        schedule = path(
            "<path:object_id>/schedule/",
            self.admin_site.admin_view(self.schedule_view),
            name="massmail_mailingout_schedule",
        )
        return [schedule, *super().get_urls()]

    def schedule_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailing = self.object_or_404(request, object_id)
        late = mailing.launched_at is None or mailing.is_final
        if refused := self.refusal(request, mailing, "pause", too_late=late):
            return refused
        data = request.POST if request.method == "POST" else None
        form = ScheduleForm(data, initial=schedule_of(mailing))
        if form.is_valid():
            self.set_times(request, mailing, form)
            return self.to_mailing(mailing)
        context = {"form": form, "zone": timezone.get_current_timezone_name()}
        return self.page(request, mailing, "schedule", _("Begin and end"), context)

    def set_times(
        self, request: HttpRequest, mailing: MailingOut, form: ScheduleForm
    ) -> None:
        try:
            reschedule(mailing, by=request.user, **form.cleaned_data)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The times were changed."))
