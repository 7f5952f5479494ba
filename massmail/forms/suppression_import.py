"""A file of addresses for the "don't mail" list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.spreadsheets import cell_text
from common.utils.decoding import decoded
from massmail.models import SuppressedAddress
from massmail.models.address import Address, InvalidAddress, ascii_domain

MAX_BYTES = 20 * 1024 * 1024
MAX_LINES = 500_000
SHOWN_ERRORS = 20
SEPARATORS = ",;\t"


@dataclass
class ParsedList:
    """What a file says: addresses and domains, each once, and what is neither."""

    addresses: dict[str, Address] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def take(self, line: int, text: str) -> None:
        try:
            if "@" in text.lstrip("@"):
                address = Address.parse(text)
                self.addresses.setdefault(address.key, address)
            else:
                self.domains.add(ascii_domain(text.lstrip("@")))
        except InvalidAddress:
            self.wrong.append((line, text))


class SuppressionImportForm(forms.Form):
    """CSV or plain text: an address (or a domain) in the first column of each line."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or text; the first column has the addresses."),
    )
    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=SuppressedAddress.Reason.choices,
        initial=SuppressedAddress.Reason.MANUAL,
        required=False,
    )

    def __init__(self, *args: Any, is_full: bool, **kwargs: Any) -> None:
        """`is_full`: whole domains and any reason, which only superusers may give."""
        super().__init__(*args, **kwargs)
        self.is_full = is_full
        if not is_full:
            del self.fields["reason"]

    @property
    def chosen_reason(self) -> str:
        return self.cleaned_data.get("reason") or SuppressedAddress.Reason.MANUAL

    def clean_file(self) -> ParsedList:
        upload = self.cleaned_data["file"]
        if upload.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB."))
        found = parsed(decoded(upload.read()))
        if found.domains and not self.is_full:
            raise forms.ValidationError(
                _("Only superusers can add whole domains: %(domains)s"),
                params={"domains": ", ".join(sorted(found.domains)[:5])},
            )
        if not (found.addresses or found.domains):
            raise forms.ValidationError(_("There is no address in the file."))
        return found


def parsed(text: str) -> ParsedList:
    """Raises `ValidationError` for a file that is no list."""
    found = ParsedList()
    has_domains = False
    for number, cells in rows_in(text):
        first = cells[0]
        if number == 1 and "@" not in first and "." not in first:
            # As our own export has it, whose domains are in the second column.
            has_domains = cells[1:2] == ["domain"]
        elif entry := first or (cells[1] if has_domains and cells[1:] else ""):
            found.take(number, entry)
        elif told := next(filter(None, cells), ""):
            found.wrong.append((number, told))
    return found


def rows_in(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that has any."""
    beginning = text[:2000]
    separator = max(SEPARATORS, key=beginning.count)
    rows = csv.reader(io.StringIO(text.replace("\0", "")), delimiter=separator)
    try:
        for row in rows:
            if rows.line_num > MAX_LINES:
                raise forms.ValidationError(_("The file has too many lines."))
            if row:
                yield rows.line_num, [cell_text(cell) for cell in row]
    except csv.Error as error:
        raise forms.ValidationError(_("The file cannot be read.")) from error
