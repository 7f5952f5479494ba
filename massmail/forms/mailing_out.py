"""What can still be changed of a mailing before its launch."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.forms.launch import ScheduleForm, require_order
from massmail.models import MailingOut


class DraftForm(OwnedModelForm):
    """Name, times, message and tracking of a draft."""

    class Meta:
        model = MailingOut
        fields = [
            "name",
            "message",
            "start_at",
            "expires_at",
            "is_tracked",
            "utm_campaign",
        ]
        # In the words of the page on which it is launched.
        labels = {"start_at": _("Begin"), "expires_at": _("End")}
        help_texts = {
            name: field.help_text for name, field in ScheduleForm.base_fields.items()
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if start := self.fields.get("start_at"):
            zone = gettext("Times are of the zone %(zone)s.")
            named = zone % {"zone": timezone.get_current_timezone_name()}
            start.help_text = f"{start.help_text} {named}"

    def clean(self) -> dict[str, Any]:
        """The page may have been open while somebody launched the mailing.

        The row stays locked until the change is committed (the admin's views are
        transactions), so a launch cannot come in between either.
        """
        cleaned = super().clean() or self.cleaned_data
        require_order(self, cleaned)
        current = MailingOut.objects.select_for_update().filter(pk=self.instance.pk)
        if not all(mailing.is_draft for mailing in current):
            raise forms.ValidationError(
                _("This mailing was launched meanwhile. Nothing was changed.")
            )
        return cleaned
