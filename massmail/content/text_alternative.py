"""The plain-text part made from the HTML, its links with their targets."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from massmail.content.markers import Markers
from massmail.content.text_choices import OpenChoice, OpenLink
from massmail.content.tokens import keyword_of
from massmail.content.vocabulary import LINES, PARAGRAPHS, VOID_ELEMENTS

RULE = "-" * 20
MAX_INDENT = 5
_SPACES = re.compile(r"[ \t\n\r\f]+")
HIDDEN_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)|mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_SPACE_AT_LINE_END = re.compile(r"[ \t]+$", re.MULTILINE)


def breaks_around(tag: str) -> int:
    """Line breaks before and after an element."""
    return 2 if tag in PARAGRAPHS else 1 if tag in LINES else 0


class TextWriter(HTMLParser):
    """Collects the text; `due` line breaks are written before the next text."""

    def __init__(self, markers: Markers) -> None:
        super().__init__(convert_charrefs=True)
        self._markers = markers
        self._out: list[str] = []
        self._due = 0
        self._space_due = False
        self._links: list[OpenLink] = []
        self._lists: list[int | None] = []  # the next number; None: bullets
        self._choices: list[OpenChoice] = []
        self._hidden: list[str] = []
        self._preformatted = 0
        self._is_started = False
        self._after_bullet = False

    def text(self) -> str:
        text = _SPACE_AT_LINE_END.sub("", "".join(self._out)).strip()
        return f"{text}\n" if text else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._hidden or HIDDEN_STYLE.search(attributes.get("style", "")):
            if tag not in VOID_ELEMENTS:
                self._hidden.append(tag)
            return
        self._break(breaks_around(tag))
        opener = getattr(self, f"_open_{tag}", None)
        if opener:
            opener(attributes)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
            return
        closer = getattr(self, f"_close_{tag}", None)
        if closer:
            closer()
        self._break(breaks_around(tag))

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._preformatted:
            self._write(data)
            return
        words = _SPACES.sub(" ", data)
        if words.startswith(" "):
            self._space_due = True
        if words.strip(" "):
            self._write(words.strip(" "))
            self._space_due = words.endswith(" ")

    def handle_comment(self, data: str) -> None:
        marker = f"<!--{data}-->"
        tag = self._markers.tag_of_comment(marker)
        keyword = keyword_of(tag) if tag else ""
        if tag is None:
            return
        if keyword in ("if", "elif", "else", "endif"):
            self._choice(keyword, marker)
        elif not self._hidden:
            self._write(marker)

    def _break(self, lines: int) -> None:
        if self._is_started and not self._after_bullet:
            self._due = max(self._due, lines)

    def _write(self, text: str) -> None:
        if self._due:
            for choice in self._choices:
                if choice.is_unwritten:
                    choice.breaks.append(len(self._out))
            indent = "  " * min(len(self._lists) - 1, MAX_INDENT)
            self._out.append("\n" * self._due + indent)
            self._due = 0
        else:
            self._write_space()
        self._out.append(text)
        self._is_started, self._space_due, self._after_bullet = True, False, False
        for choice in self._choices:
            choice.is_unwritten = False

    def _write_space(self) -> None:
        if self._space_due and self._is_started and not self._due:
            self._out.append(" ")
        self._space_due = False

    def _choice(self, keyword: str, marker: str) -> None:
        self._write_space()
        if keyword == "if":
            choice = OpenChoice(len(self._out), self._due, len(self._links), [marker])
            self._choices.append(choice)
            self._out += ["", marker]
            return
        choice = self._choices[-1]
        choice.end_branch(self._due)
        choice.end_links(self._links, marker)
        choice.has_else |= keyword == "else"
        self._due = choice.due
        self._out.append(marker)
        if keyword == "endif":
            self._end_choice()

    def _end_choice(self) -> None:
        choice = self._choices.pop()
        if link := choice.link_behind():
            self._links.append(link)
        choice.may_be_empty |= not choice.has_else
        if choice.ends_within_line:
            self._move_breaks(choice)
            self._due = max(choice.due_at_ends)
        else:
            if_empty = choice.due if choice.may_be_empty else 0
            self._due = max([if_empty, *choice.due_at_ends])

    def _move_breaks(self, choice: OpenChoice) -> None:
        """From the beginnings of the branches to before the choice."""
        self._out[choice.start] = "\n" * choice.due
        for place in choice.breaks:
            self._out[place] = self._out[place].lstrip("\n")
        for outer in self._choices:
            if not set(outer.breaks).isdisjoint(choice.breaks):
                outer.breaks.append(choice.start)
            outer.is_unwritten = False

    def _open_br(self, _attributes: dict[str, str]) -> None:
        if self._is_started:
            self._due = min(self._due + 1, 2)

    def _open_hr(self, _attributes: dict[str, str]) -> None:
        self._break(1)
        self._write(RULE)
        self._break(1)

    def _open_img(self, attributes: dict[str, str]) -> None:
        if attributes.get("alt", "").strip():
            self.handle_data(attributes["alt"])

    def _open_td(self, _attributes: dict[str, str]) -> None:
        self._space_due = True

    _open_th = _open_td

    def _open_pre(self, _attributes: dict[str, str]) -> None:
        self._preformatted += 1

    def _close_pre(self) -> None:
        self._preformatted = max(self._preformatted - 1, 0)

    def _open_ul(self, _attributes: dict[str, str]) -> None:
        self._lists.append(None)

    def _open_ol(self, attributes: dict[str, str]) -> None:
        start = attributes.get("start", "")
        self._lists.append(int(start) if re.fullmatch(r"[0-9]{1,6}", start) else 1)

    def _close_ul(self) -> None:
        if self._lists:
            self._lists.pop()

    _close_ol = _close_ul

    def _open_li(self, _attributes: dict[str, str]) -> None:
        number = self._lists[-1] if self._lists else None
        self._write("- " if number is None else f"{number}. ")
        self._after_bullet = True
        if number is not None:
            self._lists[-1] = number + 1

    def _open_a(self, attributes: dict[str, str]) -> None:
        self._links.append(OpenLink(attributes.get("href", ""), len(self._out)))

    def _close_a(self) -> None:
        if not self._links:
            return
        link = self._links.pop()
        text = "".join(self._out[link.start :]).strip()
        shown = link.target.removeprefix("mailto:").removeprefix("tel:")
        if link.by_branch:
            self._write_behind("", link.by_branch)
        elif link.target and text not in (link.target, shown):
            self._write_behind(text, f"({link.target})" if text else link.target)

    def _write_behind(self, text: str, target: str) -> None:
        """In the line of the link's text, whatever breaks are due."""
        due, self._due = self._due, 0
        self._space_due = bool(text)
        self._write(target)
        self._due = due


def text_of_html(content: str, markers: Markers) -> str:
    """Plain text of sanitised HTML; markers stay in it, those of links included."""
    writer = TextWriter(markers)
    writer.feed(content)
    writer.close()
    return writer.text()
