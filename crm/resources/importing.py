"""Checking a table, and bringing its good rows in.

Rows are saved in short transactions: the sender of mail writes to the same database.
A killed import is repeated with the same file: rows with an address find the records
that they have made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tablib
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _
from import_export.results import RowResult

from crm.resources.records import RecordResource

ROWS_AT_ONCE = 200
SHOWN_ROWS = 20
# The first row of the file has the names.
HEADER_ROWS = 1


@dataclass(frozen=True)
class BadRow:
    """A row that stays out; `faults` are (column or "", sentence)."""

    number: int
    faults: list[tuple[str, str]]
    values: list[str]


@dataclass
class Report:
    """What was, or would be, done with each row."""

    columns: list[str]
    unused: list[str]
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)
    sample: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def good(self) -> int:
        return self.new + self.changed


def check_rows(resource: RecordResource, table: tablib.Dataset) -> Report:
    """What `import_rows` would do; writes nothing."""
    return run(resource, table, only_check=True)


def import_rows(resource: RecordResource, table: tablib.Dataset, source: str) -> Report:
    """Save all good rows; each record's history names the file, `source`."""
    return run(resource, table, only_check=False, source=source)


def run(
    resource: RecordResource,
    table: tablib.Dataset,
    *,
    only_check: bool,
    source: str = "",
) -> Report:
    known = [field.column_name for field in resource.get_import_fields()]
    headers = list(table.headers)
    report = Report(
        columns=headers, unused=[name for name in headers if name not in known]
    )
    for offset, part in parts(table):
        if only_check:
            result = resource.import_data(part, use_transactions=False, only_check=True)
        else:
            with transaction.atomic():
                result = resource.import_data(
                    part, use_transactions=False, retain_instance_in_row_result=True
                )
                log(resource, result, source)
        for number, row in enumerate(result.rows, offset + 1 + HEADER_ROWS):
            note(report, row, number, part[number - offset - 1 - HEADER_ROWS])
    return report


def parts(table: tablib.Dataset) -> Iterator[tuple[int, tablib.Dataset]]:
    for offset in range(0, len(table), ROWS_AT_ONCE):
        rows = table[offset : offset + ROWS_AT_ONCE]
        yield offset, tablib.Dataset(*rows, headers=table.headers)


def note(report: Report, row: RowResult, number: int, values: tuple[Any, ...]) -> None:
    texts = [str(value) if value is not None else "" for value in values]
    if row.import_type in (RowResult.IMPORT_TYPE_INVALID, RowResult.IMPORT_TYPE_ERROR):
        report.bad.append(BadRow(number, faults(row), texts))
        return
    if row.import_type == RowResult.IMPORT_TYPE_SKIP:
        report.unchanged += 1
    elif row.import_type == RowResult.IMPORT_TYPE_NEW:
        report.new += 1
    else:
        report.changed += 1
    if len(report.sample) < SHOWN_ROWS:
        report.sample.append((row.import_type, texts))


def faults(row: RowResult) -> list[tuple[str, str]]:
    error = row.validation_error
    if error is None:
        return [("", error_text(error.error)) for error in row.errors]
    if not hasattr(error, "error_dict"):
        return [("", text) for text in error.messages]
    return [
        ("" if name == "__all__" else name, text)
        for name, found in error.error_dict.items()
        for text in ValidationError(found).messages
    ]


def error_text(error: Exception) -> str:
    """The database's words are for the log, not for the person."""
    if isinstance(error, DatabaseError):
        return _("The database refuses this row.")
    return str(error)


def log(resource: RecordResource, result: Any, source: str) -> None:
    """Each record's history tells where it came from."""
    flags = {
        RowResult.IMPORT_TYPE_NEW: ADDITION,
        RowResult.IMPORT_TYPE_UPDATE: CHANGE,
    }
    for kind, flag in flags.items():
        records = [row.instance for row in result.rows if row.import_type == kind]
        if records:
            LogEntry.objects.log_actions(
                resource.user.pk,
                records,
                flag,
                change_message=_("Imported from %(file)s.") % {"file": source},
            )
