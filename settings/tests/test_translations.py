"""Every string that people see is marked, and translated in the complete languages."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from settings.environments.env import PROJECT_DIR
from settings.tests.catalogs import (
    APPS,
    CATALOGS,
    COMPLETE,
    catalog_path,
    is_translated,
    load,
    sources,
    template_of,
)

PLACEHOLDER = re.compile(
    r"%\(\w+\)[sd]|%[sd%]|{\w*}|{{[^}]+}}|{%[^}]+%}|https?:\S+|<[^>]+>"
)
HINT = "run `make messages` and translate what is new"


def messages(app: str, language: str) -> list[Message]:
    return list(load(catalog_path(app, language), language))[1:]


@pytest.mark.parametrize(("app", "language"), CATALOGS)
def test_the_catalog_has_the_apps_strings_and_no_others(app, language):
    wanted = {(message.id, message.context) for message in template_of(app, language)}
    found = {(message.id, message.context) for message in messages(app, language)}

    assert wanted - {("", None)} == found, HINT


@pytest.mark.parametrize(("app", "language"), CATALOGS)
def test_no_string_is_untranslated_or_unsure(app, language):
    missing = [
        message.id
        for message in messages(app, language)
        if not is_translated(message) or message.fuzzy
    ]

    assert missing == [], HINT


@pytest.mark.parametrize(("app", "language"), CATALOGS)
def test_translations_keep_the_placeholders_and_tags(app, language):
    wrong = [
        (source, string)
        for message in messages(app, language)
        for source, string in pairs(message)
        if placeholders(string) != placeholders(source)
    ]

    assert wrong == []


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each translation with what it translates; all plural forms with the plural."""
    if not message.pluralizable:
        return [(message.id, message.string)]
    return [(message.id[1], string) for string in message.string]


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize(("app", "language"), CATALOGS)
def test_the_compiled_catalog_is_that_of_the_source(app, language):
    path = catalog_path(app, language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in messages(app, language):
        if message.pluralizable:
            for number, string in enumerate(message.string):
                assert compiled._catalog[key_of(message), number] == string, HINT
        else:
            assert spoken(compiled, message) == message.string, HINT


def key_of(message: Message) -> str:
    """Of the singular, as a compiled catalog has it."""
    if message.context:
        key: str = gettext.GNUTranslations.CONTEXT % (message.context, message.id[0])
        return key
    return str(message.id[0])


def spoken(compiled: gettext.GNUTranslations, message: Message) -> str:
    if message.context:
        return compiled.pgettext(message.context, message.id)
    return compiled.gettext(message.id)


@pytest.mark.parametrize("language", COMPLETE)
def test_one_english_word_is_one_word_in_the_other_language(language):
    """Two apps that name the same thing name it alike."""
    found: dict[tuple, set[str]] = {}
    for app in APPS:
        for message in messages(app, language):
            if not message.pluralizable:
                found.setdefault((message.id, message.context), set()).add(
                    message.string
                )

    assert {key: words for key, words in found.items() if len(words) > 1} == {}


TEMPLATES = [path for app in APPS for path in sources(app) if path.suffix == ".html"]
# What a template may say as it is: marks, names of formats, the words of a mail.
UNMARKED = re.compile(
    r"""{%.*?%}|{{.*?}}|{\#.*?\#}|<!--.*?-->|<(style|script)\b.*?</\1>|&\w+;""", re.S
)
SPOKEN_ATTRIBUTE = re.compile(
    r"""\s(?:title|alt|placeholder|aria-label)=["']([^"']*[A-Za-z]{2}[^"']*)["']"""
)
TAG = re.compile(r"<[^>]*>", re.S)
WORD = re.compile(r"[A-Za-z]{2,}")
# What is the same in every language: names of keys, the beginning of an address.
NO_WORDS = re.compile(r"\(Ctrl(\+Shift)?\+\w\)|https://")


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT_DIR))


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_a_template_says_nothing_unmarked(path):
    text = path.read_text(encoding="utf-8")
    if is_no_page(path):
        return
    bare = re.sub(r"{%\s*blocktrans.*?endblocktrans\w*\s*%}", "", text, flags=re.S)
    bare = re.sub(r"{% block bodyclass %}.*?{% endblock %}", "", bare, flags=re.S)
    bare = re.sub(r"<code\b.*?</code>", "", bare, flags=re.S)
    bare = re.sub(r"{%\s*comment.*?endcomment\s*%}", "", bare, flags=re.S)
    bare = NO_WORDS.sub("", UNMARKED.sub("", bare))
    words = SPOKEN_ATTRIBUTE.findall(bare)
    words += [line for line in TAG.sub("\n", bare).split("\n") if WORD.search(line)]

    assert [line.strip() for line in words] == []


def is_no_page(path: Path) -> bool:
    """Letters of the demo and of new messages are their author's."""
    return "demo" in path.parts or "starter" in path.parts or "locale" in path.parts


def test_strings_of_python_and_templates_are_found():
    """The suite would be content with nothing, if nothing were found."""
    found = {message.id for message in template_of("crm")}

    assert "disqualified" in found
    assert ("%d new", "%d new") in found
    assert "Check the file" in found
