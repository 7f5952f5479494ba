"""Texts that were written for another system, turned into ours.

Three dialects: `{Person.firstName}` with `{optOutUrl}` and `{trackingUrl:…}`;
Django templates with `{% load %}`, `{{ contact.first_name }}` and
`{% cid_media "…" %}`; `*|FNAME|*`. Whatever cannot be turned is left in a form that
can be saved, that its writer sees, and that preflight stops.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from massmail.content.filters import FILTERS
from massmail.content.foreign import PLACEHOLDER
from massmail.content.template_engine import KNOWN_TAGS, STANDARD_VARIABLES, parse
from massmail.exceptions import MessageTemplateError

UNREAD_CONDITION = "[[condition]]"
# Last part of a foreign name in small letters without underscores → ours.
ALIASES = {
    "name": "full_name",
    "fullname": "full_name",
    "fname": "first_name",
    "lname": "last_name",
    "salutation": "title",
    "salutationname": "title",
    "accountname": "company",
    "account": "company",
    "companyname": "company",
    "organization": "company",
    "emailaddress": "email",
    "phonenumber": "phone",
    "addresscity": "city",
    "billingaddresscity": "city",
    "addresscountry": "country",
    "billingaddresscountry": "country",
    "optouturl": "unsubscribe_url",
    "hashoptouturl": "unsubscribe_url",
    "unsub": "unsubscribe_url",
    "unsubscribe": "unsubscribe_url",
    "unsubscribelink": "unsubscribe_url",
    "listaddress": "postal_address",
    "listaddressline": "postal_address",
    "now": "today",
}
# Entities whose `name` is not a person's.
COMPANIES = frozenset({"account", "company", "organization", "parentaccount"})
SENDERS = frozenset({"user", "sender", "owner", "assigneduser", "request"})
SENDER_FIELDS = {
    "name": "sender_name",
    "fullname": "sender_name",
    "email": "sender_email",
    "emailaddress": "sender_email",
}
YEARS = frozenset({"currentyear"})
THIS_YEAR = '{{ today|date:"Y" }}'
OPT_OUT_LINK = frozenset({"optoutlink"})

# Django's tags end on the line on which they begin.
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_ANY = re.compile(rf"\{{[{{%#]|{PLACEHOLDER.pattern}")
_EXPRESSION = re.compile(r"\s*([A-Za-z_][\w.]*)\s*((?:\|.*)?)", re.DOTALL)
_FILTER = re.compile(r"\|\s*(\w+)(?:\s*:\s*(\"[^\"]*\"|'[^']*'|[\w.]+))?\s*")
_CID_TAG = re.compile(r"cid_(?:media|static)\s+[\"']([^\"']+)[\"']")
_ENCODED = re.compile(r"%7B([A-Za-z][A-Za-z0-9_.]*)%7D", re.IGNORECASE)
_PROTOCOL = re.compile(r"https?://(?=\{(?:optOutUrl|trackingUrl:))")
_TRACKING = re.compile(r"\{trackingUrl:([^{}]*)\}")

NO_VARIABLE = gettext_lazy("There is no such variable.")
NO_PICTURE = gettext_lazy("Your pictures have none of this name. Add it and put it in.")
NO_TAG = gettext_lazy("There is no such tag.")
NO_TARGET = gettext_lazy("Where the link led is known to the other system only.")
NOT_READ = gettext_lazy("This cannot be read.")


@dataclass(frozen=True)
class Change:
    """What was found, what it became ("": left out), how often."""

    found: str
    became: str
    count: int


@dataclass(frozen=True)
class Problem:
    """What could not be turned into ours; `line` is counted from 1."""

    found: str
    line: int
    reason: str | Promise


@dataclass(frozen=True)
class Imported:
    """A text in our own words, and how it came to be."""

    text: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]


class NotOurs(Exception):
    """A placeholder that has no counterpart; what stands for it meanwhile."""

    def __init__(self, reason: str | Promise, stand_in: str) -> None:
        super().__init__(stand_in)
        self.reason, self.stand_in = reason, stand_in


class _Importer:
    def __init__(
        self, variables: Collection[str], images: Mapping[str, str], is_html: bool
    ) -> None:
        self._variables = {*variables, *STANDARD_VARIABLES}
        self._images = {key.lower(): tag for key, tag in images.items()}
        self._is_html = is_html
        self._changes: Counter[tuple[str, str]] = Counter()
        self._problems: list[Problem] = []

    def imported(self, text: str) -> Imported:
        text = _ENCODED.sub(r"{\1}", text)
        text = _PROTOCOL.sub("", text)
        # In one pass: what something has become is not read again.
        parts, end, line = [], 0, 1
        for start, found in foreign_parts(text):
            line += text.count("\n", end, start)
            parts += [text[end:start], self._turned(found, line)]
            end = start + len(found)
        text = "".join([*parts, text[end:]])
        changes = tuple(Change(*pair, count) for pair, count in self._changes.items())
        return Imported(text, changes, tuple(self._problems))

    def _turned(self, found: str, line: int) -> str:
        is_django = found[:2] in _ENDS
        try:
            became = self._django(found) if is_django else self._placeholder(found)
        except NotOurs as error:
            self._problems.append(Problem(found[:200], line, error.reason))
            return error.stand_in
        if became != found:
            self._changes[found[:200], became] += 1
        return became

    def _django(self, found: str) -> str:
        if found.startswith("{{"):
            return self._variable(found[2:-2])
        return "" if found.startswith("{#") else self._tag(found, found[2:-2].strip())

    def _variable(self, written: str) -> str:
        parsed = _EXPRESSION.fullmatch(written)
        stand_in = f"[[{' '.join(written.split())}]]".replace("{", "").replace("}", "")
        if not parsed:
            raise NotOurs(NOT_READ, stand_in)
        name, filters = self._own_name(parsed[1]), parsed[2]
        if not name:
            raise NotOurs(NO_VARIABLE, f"[[{parsed[1]}]]")
        kept = "".join(
            match[0].strip() for match in _FILTER.finditer(filters) if is_ours(match)
        )
        ours = f"{{{{ {name}{kept} }}}}"
        return ours if is_sound(ours) else f"{{{{ {name} }}}}"

    def _own_name(self, written: str) -> str:
        """Ours for a dotted, underscored or camel-case name; "" when there is none."""
        if written in self._variables:
            return written
        entity, _dot, last = written.rpartition(".")
        entity = squeezed(entity.rpartition(".")[2])
        key = squeezed(last)
        if entity in SENDERS:
            return SENDER_FIELDS.get(key, "")
        if entity in COMPANIES and key == "name":
            key = "companyname"
        candidates = [snake_case(last), ALIASES.get(key, "")]
        return next((name for name in candidates if name in self._variables), "")

    def _tag(self, found: str, contents: str) -> str:
        keyword = contents.split(maxsplit=1)[0] if contents else ""
        if keyword == "load":
            return ""
        if picture := _CID_TAG.fullmatch(contents):
            return self._picture(picture[1])
        if keyword in ("if", "elif"):
            return self._condition(keyword, contents)
        if keyword in KNOWN_TAGS or keyword.startswith("cid_"):
            return found
        raise NotOurs(NO_TAG, "")

    def _condition(self, keyword: str, contents: str) -> str:
        """Names in it become ours; it is kept where the result can be read."""
        words = [self._word(word) for word in contents.split()[1:]]
        tag = f"{{% {' '.join([keyword, *words])} %}}"
        if is_sound(f"{{% if {' '.join(words)} %}}{{% endif %}}"):
            return tag
        # Its `endif` stays: some condition has to stand here. What is in it would be
        # for everybody, so preflight has to find a placeholder.
        raise NotOurs(NOT_READ, f"{{% {keyword} unsubscribe_url %}}{UNREAD_CONDITION}")

    def _word(self, word: str) -> str:
        is_name = re.fullmatch(r"[A-Za-z_][\w.]*", word)
        return self._own_name(word) or word if is_name else word

    def _picture(self, path: str) -> str:
        filename = path.replace("\\", "/").rpartition("/")[2].lower()
        for key in (filename, filename.rpartition(".")[0], path.lower()):
            if tag := self._images.get(key):
                return f"{{% cid_{tag} %}}"
        raise NotOurs(NO_PICTURE, f"missing:{filename}")

    def _placeholder(self, found: str) -> str:
        if tracked := _TRACKING.fullmatch(found):
            return self._target(found, tracked[1])
        written = found.strip("{}*|%[]#$ ").replace(" ", "_").replace(":", "")
        key = squeezed(written.rpartition(".")[2])
        if key in YEARS:
            return THIS_YEAR
        if key in OPT_OUT_LINK:
            return self._opt_out_link()
        name = self._own_name(written)
        if not name:
            raise NotOurs(NO_VARIABLE, found)
        return f"{{{{ {name} }}}}"

    def _target(self, found: str, target: str) -> str:
        """Written out in the placeholder, or a number of a row far away."""
        if target.startswith(("https://", "http://")):
            return target
        raise NotOurs(NO_TARGET, found)

    def _opt_out_link(self) -> str:
        if not self._is_html:
            return "{{ unsubscribe_url }}"
        return f'<a href="{{{{ unsubscribe_url }}}}">{_("Unsubscribe")}</a>'


def imported(
    text: str,
    *,
    variables: Collection[str],
    images: Mapping[str, str],
    is_html: bool = True,
) -> Imported:
    """`variables`: names that recipients have; `images`: tag by file name or tag."""
    return _Importer(variables, images, is_html).imported(text)


def foreign_parts(text: str) -> Iterator[tuple[int, str]]:
    """Django's tags and other systems' placeholders, each with its place.

    Ends are looked for once: many beginnings without an end must not take long.
    """
    ends = dict.fromkeys((*_ENDS.values(), "\n"), -1)

    def next_place(mark: str, start: int) -> int:
        if ends[mark] < start:
            found = text.find(mark, start)
            ends[mark] = len(text) if found < 0 else found
        return ends[mark]

    position = 0
    while match := _ANY.search(text, position):
        start, position = match.span()
        if closing := _ENDS.get(match[0]):
            end = next_place(closing, start + 2)
            if end >= next_place("\n", start + 2):
                position = start + 1
                continue
            position = end + 2
        yield start, text[start:position]


def squeezed(name: str) -> str:
    return name.lower().replace("_", "")


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def is_ours(filter_: re.Match[str]) -> bool:
    return filter_[1] in FILTERS


def is_sound(source: str) -> bool:
    try:
        parse(source, variables=None)
    except MessageTemplateError:
        return False
    return True
