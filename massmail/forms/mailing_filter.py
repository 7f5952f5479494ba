"""What massmail itself knows of recipients, to choose among those of any host."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from common.forms import DayField
from massmail.audience.past import mailed, vips, waiting_elsewhere
from massmail.recipients.source import RecipientSource

ANY = ("", _("All"))
# More languages than this are no list to tick.
MOST_LANGUAGES = 60


class MailingFilter(forms.Form):
    """Blank means all; the host's own fields are asked by the source's form."""

    language = forms.MultipleChoiceField(
        label=_("Language"), required=False, widget=forms.CheckboxSelectMultiple
    )
    vip = forms.ChoiceField(
        label=_("VIP"),
        required=False,
        choices=[ANY, ("yes", _("VIPs only")), ("no", _("without VIPs"))],
    )
    mailed = forms.ChoiceField(
        label=_("Mailed before"),
        required=False,
        choices=[ANY, ("yes", _("was mailed before")), ("no", _("was never mailed"))],
    )
    not_since = DayField(label=_("Not mailed since"), required=False)
    not_waiting = forms.BooleanField(
        label=_("Leave out who waits in another running mailing"), required=False
    )

    fields: dict[str, Any]

    def __init__(
        self, *args: Any, source: RecipientSource, records: QuerySet, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        languages = languages_of(source, records)
        if len(languages) < 2:
            del self.fields["language"]
        else:
            named = [(code, language_name(code)) for code in languages]
            self.fields["language"].choices = sorted(named, key=lambda pair: pair[1])

    def filter(self, queryset: QuerySet, cleaned_data: dict[str, Any]) -> QuerySet:
        source = self.source
        if languages := cleaned_data.get("language"):
            queryset = queryset.filter(**{f"{source.language}__in": languages})
        queryset = chosen(queryset, cleaned_data["vip"], vips(source))
        queryset = chosen(queryset, cleaned_data["mailed"], mailed(source))
        if day := cleaned_data["not_since"]:
            midnight = timezone.make_aware(dt.datetime.combine(day, dt.time()))
            queryset = queryset.exclude(pk__in=mailed(source, since=midnight))
        if cleaned_data["not_waiting"]:
            queryset = queryset.exclude(pk__in=waiting_elsewhere(source))
        return queryset


def chosen(queryset: QuerySet, answer: str, keys: QuerySet) -> QuerySet:
    """All, those with these keys ("yes"), or the others ("no")."""
    if answer == "yes":
        return queryset.filter(pk__in=keys)
    return queryset.exclude(pk__in=keys) if answer == "no" else queryset


def languages_of(source: RecipientSource, records: QuerySet) -> list[str]:
    """Those that occur; none where the host knows no languages."""
    if not source.language:
        return []
    rows = records.order_by(source.language).values_list(source.language, flat=True)
    found = [code for code in rows.distinct()[:MOST_LANGUAGES] if code]
    return sorted(found)


def language_name(code: str) -> str:
    """In the reader's language, where Django knows it."""
    try:
        return capfirst(get_language_info(code.lower())["name_translated"])
    except KeyError:
        return code
