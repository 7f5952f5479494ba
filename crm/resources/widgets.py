"""How cells become values; a ValueError is told for its row and column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from import_export.widgets import CharWidget, ManyToManyWidget, Widget

from common.spreadsheets import cell_text
from crm.models import Tag

YES = frozenset({"1", "true", "yes", "y", "on", "x", "да", "ja", "oui", "sí", "si"})
NO = frozenset({"0", "false", "no", "n", "off", "нет", "nein", "non"})


class TextWidget(CharWidget):
    """Text as text, whatever a spreadsheet made of it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return cell_text(value)


class YesNoWidget(Widget):
    """A blank cell says nothing: the row keeps what it has."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        word = cell_text(value).lower()
        if word in YES:
            return True
        if word in NO:
            return False
        raise ValueError(_("“%(word)s” is neither yes nor no.") % {"word": word})

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class NameWidget(Widget):
    """A related record by one of its names; `rows` are those that may be chosen."""

    def __init__(
        self,
        rows: Callable[[], QuerySet],
        *names: str,
        shown: Callable[[Any], str] = str,
    ) -> None:
        super().__init__()
        self.rows = rows
        self._names = names or ("name",)
        self._shown = shown
        self._found: dict[str, Model] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Model | None:
        text = cell_text(value)
        if not text:
            return None
        if text not in self._found:
            self._found[text] = self._find(text)
        return self._found[text]

    def _find(self, text: str) -> Model:
        condition = Q()
        for name in self._names:
            condition |= Q(**{f"{name}__iexact": text})
        found = list(self.rows().filter(condition)[:2])
        if not found:
            raise ValueError(_("There is no “%(name)s” to choose.") % {"name": text})
        if len(found) > 1:
            text = _("There are several “%(name)s”.") % {"name": text}
            raise ValueError(text)
        return found[0]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return self._shown(value) if value is not None else ""


class TagsWidget(ManyToManyWidget):
    """Tags, separated by commas; new ones are made."""

    def __init__(self) -> None:
        super().__init__(Tag, field="name", separator=",")

    def names(self, value: Any) -> list[str]:
        """Raises ValueError where a name is too long for a tag."""
        names = [name.strip() for name in cell_text(value).split(",")]
        longest = Tag._meta.get_field("name").max_length
        for name in names:
            if longest is not None and len(name) > longest:
                text = _("The tag “%(name)s…” is longer than %(count)d characters.")
                raise ValueError(text % {"name": name[:20], "count": longest})
        return [name for name in dict.fromkeys(names) if name]

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[Tag]:
        return [
            Tag.objects.filter(name__iexact=name).first()
            or Tag.objects.create(name=name)
            for name in self.names(value)
        ]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return ", ".join(tag.name for tag in value.all()) if value else ""
