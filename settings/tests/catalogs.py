"""The strings of each app, and the catalogs that translate them.

`python -m settings.tests.catalogs` (`make messages`) brings the catalogs up to date:
new strings are added without a translation, strings that are gone leave. It needs no
gettext on the machine.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from settings.environments.env import PROJECT_DIR

APPS = ("common", "crm", "massmail", "settings")
# Languages in which every string is translated; English is what the code speaks.
COMPLETE = ("ru",)
# Languages of recipients, who see these files' strings and no others.
RECIPIENTS_ONLY = ("de", "fr", "es", "uk")
RECIPIENTS_FILES = (
    "massmail/orchestrator/confirming.py",
    "massmail/templates/massmail/public/",
    "massmail/tracking/leaving_reasons.py",
)
CATALOGS = [
    *((app, language) for language in COMPLETE for app in APPS),
    *(("massmail", language) for language in RECIPIENTS_ONLY),
]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
FIRST_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOT_SHOWN = {"tests", "migrations", "locale"}


def template_of(app: str, language: str = "ru") -> Catalog:
    """What the app says in that language, without translations."""
    catalog = Catalog(charset="utf-8")
    for path in sources(app):
        place = path.relative_to(PROJECT_DIR).as_posix()
        if language in RECIPIENTS_ONLY and not place.startswith(RECIPIENTS_FILES):
            continue
        for _line, message, comments, context in strings_of(path):
            catalog.add(message, context=context, auto_comments=comments)
    return catalog


def sources(app: str) -> Iterator[Path]:
    for path in sorted((PROJECT_DIR / app).rglob("*")):
        parts = set(path.relative_to(PROJECT_DIR).parts)
        if path.suffix in (".py", ".html", ".txt") and not parts & NOT_SHOWN:
            yield path


def strings_of(path: Path) -> Iterator[tuple]:
    """(line, message or forms, comments, context) of each marked string."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        if "{%" not in text and "{{" not in text:
            return
        # What is left of the template's own text would be a matter of indentation.
        lines = templatize(text, origin=str(path)).splitlines()
        text = "\n".join(line.strip() for line in lines)
    file = io.BytesIO(text.encode())
    yield from extract("python", file, KEYWORDS, comment_tags=("Translators:",))


def catalog_path(app: str, language: str) -> Path:
    return PROJECT_DIR / app / "locale" / language / "LC_MESSAGES" / "django.po"


def load(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def po_bytes(catalog: Catalog) -> bytes:
    """Sorted and without places, so that two changes seldom meet in a line."""
    file = io.BytesIO()
    write_po(
        file,
        catalog,
        width=88,
        no_location=True,
        sort_output=True,
        ignore_obsolete=True,
    )
    return file.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def update(app: str, language: str) -> int:
    """Write the app's catalog; returns how many strings lack a translation."""
    template = template_of(app, language)
    if not len(template):
        return 0
    path = catalog_path(app, language)
    known = load(path, language)
    catalog = Catalog(
        locale=language,
        charset="utf-8",
        project="massmail",
        header_comment=f"# {language}: translations of {app}.",
        # The date of the day would make every update a change.
        creation_date=FIRST_DAY,
        revision_date=FIRST_DAY,
        fuzzy=False,
    )
    for message in template:
        if message.id:
            old = known.get(message.id, message.context)
            catalog.add(
                message.id,
                old.string if old else None,
                context=message.context,
                auto_comments=message.auto_comments,
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(po_bytes(catalog))
    path.with_suffix(".mo").write_bytes(mo_bytes(catalog))
    return sum(not is_translated(message) for message in catalog if message.id)


def is_translated(message: object) -> bool:
    strings = message.string if message.pluralizable else (message.string,)
    return bool(strings) and all(strings)


def main() -> None:
    for app, language in CATALOGS:
        missing = update(app, language)
        print(f"{app}/{language}: {missing} without a translation")  # noqa: T201


if __name__ == "__main__":
    main()
