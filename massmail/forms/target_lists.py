"""Target lists: which to mail, which to leave out, and which to put records on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from common.site.odd_input import is_key
from massmail.audience.list_filters import is_broken
from massmail.audience.target_lists import lists_for, lists_to_fill, records_in
from massmail.models import TargetList
from massmail.recipients.access import access_policy
from massmail.recipients.source import RecipientSource


@dataclass(frozen=True)
class ChosenLists:
    """What a mailing is made from, and whose members it leaves out."""

    included: list[TargetList] = field(default_factory=list)
    excluded: list[TargetList] = field(default_factory=list)


NO_LISTS = ChosenLists()


class ListsField(forms.ModelMultipleChoiceField):
    """Target lists to tick; none where there is nothing to tick."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(TargetList.objects.none(), required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        """A key that no row can have is wrong like any other; a database would fail."""
        for key in value or ():
            if not is_key(TargetList._meta.pk, str(key)):
                raise forms.ValidationError(
                    self.error_messages["invalid_pk_value"], params={"pk": key}
                )
        return super().clean(value)


class ListChoice(forms.Form):
    """Where a mailing begins: blank means all, as in the filters beside it."""

    include = ListsField(label=_("Only from these lists"))
    exclude = ListsField(label=_("Leave out who is in these lists"))

    fields: dict[str, Any]

    def __init__(
        self, *args: Any, user: Any, source: RecipientSource, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.source = user, source
        offered = lists_for(user).filter(
            Q(content_type=None) | Q(content_type=source.content_type)
        )
        if not offered.exists():
            self.fields.clear()
        for choice in self.fields.values():
            choice.queryset = offered

    def clean(self) -> dict[str, Any]:
        """A filter that makes no sense any more would leave out nobody, in silence."""
        cleaned = super().clean() or self.cleaned_data
        for name in self.fields:
            for one in cleaned.get(name, ()):
                if is_broken(self.user, self.source, one):
                    text = _("The filter of “%(name)s” does not work any more.")
                    self.add_error(name, text % {"name": one})
        return cleaned

    def filter(self, queryset: QuerySet, cleaned_data: dict[str, Any]) -> QuerySet:
        """Who is left out stays here: he gets a row that says so."""
        if lists := list(cleaned_data.get("include", ())):
            found = records_in(self.user, self.source, lists)
            queryset = queryset.filter(pk__in=found.values("pk"))
        return queryset

    @property
    def chosen(self) -> ChosenLists:
        if not self.is_bound:
            return NO_LISTS
        return ChosenLists(
            list(self.cleaned_data.get("include", ())),
            list(self.cleaned_data.get("exclude", ())),
        )


class ExcludedLists(ListChoice):
    """For records that were ticked: they are chosen already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("include", None)


class FillListForm(forms.Form):
    """The list that records are put on: one that is there, or a new one."""

    target_list = forms.ModelChoiceField(
        TargetList.objects.none(),
        label=_("Target list"),
        required=False,
        empty_label=_("A new list"),
    )
    name = forms.CharField(
        label=_("Name of the new list"),
        max_length=200,
        required=False,
        help_text=_("For you and your colleagues; recipients do not see it."),
    )
    public_name = forms.CharField(
        label=_("Its name for recipients"),
        max_length=200,
        required=False,
        help_text=TargetList._meta.get_field("public_name").help_text,
    )

    fields: dict[str, Any]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        keys = [one.pk for one in lists_to_fill(user)]
        self.fields["target_list"].queryset = TargetList.objects.filter(pk__in=keys)
        if not user.has_perm("massmail.add_targetlist"):
            del self.fields["name"], self.fields["public_name"]
            self.fields["target_list"].required = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "name" in self.fields and not cleaned.get("target_list"):
            self.check_new_name(cleaned.get("name", ""))
        return cleaned

    def check_new_name(self, name: str) -> None:
        """Two lists of one name could not be told apart where they are chosen."""
        if self.errors:
            return
        if not name:
            self.add_error("name", _("Choose a list, or name a new one."))
        elif TargetList.objects.active().filter(owner=self.user, name=name).exists():
            self.add_error("name", _("You have a list of this name."))

    def save(self) -> TargetList:
        chosen: TargetList | None = self.cleaned_data["target_list"]
        return chosen or self.new_list()

    def new_list(self, **fields: Any) -> TargetList:
        return TargetList.objects.create(
            name=self.cleaned_data["name"],
            public_name=self.cleaned_data["public_name"],
            owner=self.user,
            department=access_policy().departments(self.user).first(),
            **fields,
        )


class EmptyListForm(FillListForm):
    """The list that records are taken off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("name", None)
        self.fields.pop("public_name", None)
        self.fields["target_list"].required = True
        self.fields["target_list"].empty_label = None


class SaveFilterForm(FillListForm):
    """A filter as a new list: it has whom the filter finds at any time."""

    def __init__(self, *args: Any, choice: Any, **kwargs: Any) -> None:
        """`choice` is the filter: its source, and what was asked."""
        super().__init__(*args, **kwargs)
        self.choice = choice
        del self.fields["target_list"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.choice.is_valid:
            raise forms.ValidationError(_("Please correct what is marked below."))
        if self.choice.other_filters:
            raise forms.ValidationError(
                _(
                    "A list keeps what is asked of the records themselves. Leave blank "
                    "what is asked of lists, languages, VIPs and earlier mailings."
                )
            )
        if not self.choice.own_query:
            raise forms.ValidationError(_("Set a filter first."))
        return cleaned

    def save(self) -> TargetList:
        return self.new_list(
            kind=TargetList.Kind.FILTER,
            content_type=self.choice.source.content_type,
            query=self.choice.own_query,
        )
