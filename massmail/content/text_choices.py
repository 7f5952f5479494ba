"""What is open while a message's plain text is written: links, and `{% if %}`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class OpenLink:
    target: str
    start: int  # index of its first piece in the output
    # Of a link that branches opened: what follows its text, with the choice's tags.
    by_branch: str = ""

    @property
    def behind(self) -> str:
        return self.by_branch or (f" ({self.target})" if self.target else "")


@dataclass
class OpenChoice:
    """An `{% if %}` whose branches are being written.

    Line breaks that are due when it opens are written inside the branches, so that a
    branch that is not shown leaves no empty lines. If a branch then ends within a
    line, they belong before the choice after all: `start` is their place in the
    output, `breaks` are the places in the branches.

    A link that a branch leaves open ends behind the choice. Its target is told there
    by the same choice once more, so that each recipient reads his own.
    """

    start: int
    due: int
    links_before: int  # open outside of it
    targets: list[str]  # its tags, each with the targets of its branch's open links
    is_unwritten: bool = True  # the branch has no text yet
    has_else: bool = False
    may_be_empty: bool = False
    breaks: list[int] = field(default_factory=list)
    due_at_ends: list[int] = field(default_factory=list)
    left_open: list[OpenLink] = field(default_factory=list)

    def end_branch(self, due: int) -> None:
        if self.is_unwritten:
            self.may_be_empty = True
        else:
            self.due_at_ends.append(due)
        self.is_unwritten = True

    def end_links(self, links: list[OpenLink], marker: str) -> None:
        """Take those that the branch leaves open; `marker` begins the next one."""
        left_open = links[self.links_before :]
        del links[self.links_before :]
        self.left_open += left_open
        self.targets += [*(link.behind for link in left_open), marker]

    def link_behind(self) -> OpenLink | None:
        """When all branches are written: the link that goes on behind them."""
        if not self.left_open:
            return None
        return OpenLink("", self.left_open[0].start, "".join(self.targets))

    @property
    def ends_within_line(self) -> bool:
        return self.may_be_empty and bool(self.due) and 0 in self.due_at_ends
