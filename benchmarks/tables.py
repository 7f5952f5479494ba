"""Measured tables in docs/performance.md, each between two marks of its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown, the columns behind the first to the right."""
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|")
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def write(name: str, text: str) -> None:
    """Put the table where the page has `<!-- name -->` … `<!-- /name -->`."""
    print(f"\n{text}\n")
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise LookupError(f"{PAGE.name} has no place for {name!r}.")
    changed = marks.sub(lambda match: f"{match[1]}{text}\n{match[2]}", page)
    PAGE.write_text(changed, encoding="utf-8")
