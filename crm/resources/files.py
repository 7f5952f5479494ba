"""From an uploaded file to a table, and from a table to a file.

A file that cannot be read raises `UnreadableFile` with a sentence for its owner.
"""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

import openpyxl
import tablib
from django.utils.translation import gettext as _
from import_export.formats.base_formats import CSV, XLSX
from openpyxl.utils.exceptions import InvalidFileException

from common.spreadsheets import cell_text

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000
MAX_COLUMNS = 200
# One more than may be, so that too many are noticed.
COLUMNS_READ = MAX_COLUMNS + 1
# An XLSX file is a ZIP archive: a small one may hold gigabytes.
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
DELIMITERS = ",;\t"
FORMATS = {"csv": CSV, "xlsx": XLSX}
# What ZIP, XML and workbook readers say of a damaged or foreign file.
BROKEN_WORKBOOK = (
    *(zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError, OSError),
)


class UnreadableFile(Exception):
    """Its text tells the person what is wrong with the file."""


@dataclass(frozen=True)
class Upload:
    """A file's bytes and its name."""

    name: str
    content: bytes

    @property
    def kind(self) -> str:
        """By its bytes, whatever it is called."""
        return "xlsx" if self.content.startswith(b"PK\x03\x04") else "csv"


def read_table(upload: Upload, names: dict[str, str]) -> tablib.Dataset:
    """The rows under the columns' own names; `names` are those that people use."""
    if not upload.content.strip():
        raise UnreadableFile(_("The file is empty."))
    read = read_xlsx if upload.kind == "xlsx" else read_csv
    table = read(upload.content)
    if not table.headers or not any(map(cell_text, table.headers)):
        raise UnreadableFile(_("The first row must name the columns."))
    if not len(table):
        raise UnreadableFile(_("There is no row under the names of the columns."))
    if len(table) > MAX_ROWS:
        text = _("The file has %(count)d rows. Bring at most %(most)d at once.")
        raise UnreadableFile(text % {"count": len(table), "most": MAX_ROWS})
    headers = [column_name(header, names) for header in table.headers]
    if double := sorted(name for name, n in Counter(headers).items() if n > 1):
        text = _("Two columns mean the same: %(names)s.")
        raise UnreadableFile(text % {"names": ", ".join(filter(None, double)) or "–"})
    table.headers = headers
    return table


def column_name(header: object, names: dict[str, str]) -> str:
    """“E-Mail”, “First name” and the like as the column that they mean."""
    text = cell_text(header).lower()
    return names.get(text, names.get(text.replace(" ", "_"), text))


def read_csv(content: bytes) -> tablib.Dataset:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _("This is no text in UTF-8. Save it as “CSV UTF-8” or as XLSX.")
        raise UnreadableFile(text) from error
    if "\0" in text:
        raise UnreadableFile(_("This is neither a CSV nor an XLSX file."))
    first_line = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        rows: list[list[object]] = [[*row[:COLUMNS_READ]] for row in reader]
    except csv.Error as error:
        text = _("The file cannot be read: %(error)s") % {"error": error}
        raise UnreadableFile(text) from error
    return table_of(rows)


def read_xlsx(content: bytes) -> tablib.Dataset:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise UnreadableFile(_("The workbook is too large."))
        rows = worksheet_rows(content)
    except BROKEN_WORKBOOK as error:
        raise UnreadableFile(_("This is no workbook that can be read.")) from error
    return table_of(rows)


def worksheet_rows(content: bytes) -> list[list[object]]:
    """Of the first sheet, with values in place of formulas."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    # Without a bound one cell in the last column makes a row of 16,384.
    rows = book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS_READ)
    return [list(row) for row in itertools.islice(rows, MAX_ROWS + 2)]


def table_of(rows: list[list[object]]) -> tablib.Dataset:
    """All rows as long as the first one, without blank ones at the end."""
    while rows and not any(cell_text(cell) for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise UnreadableFile(_("The file is empty."))
    headers, *rest = rows
    while headers and not cell_text(headers[-1]):
        headers.pop()
    if len(headers) > MAX_COLUMNS:
        text = _("The file has more than %(most)d columns.")
        raise UnreadableFile(text % {"most": MAX_COLUMNS})
    table = tablib.Dataset(headers=headers)
    for row in rest:
        table.append((row + [""] * len(headers))[: len(headers)])
    return table


def write_file(table: tablib.Dataset, kind: str) -> tuple[bytes, str]:
    """The file's bytes and its media type; `kind` is a key of `FORMATS`."""
    file_format = FORMATS[kind]()
    content = file_format.export_data(table)
    if isinstance(content, str):
        # Without the mark Excel takes the text for the computer's old code page.
        content = content.encode("utf-8-sig")
    return content, file_format.get_content_type()
