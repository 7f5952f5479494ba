"""Compile requirements/*.in into requirements.txt: one resolution, visibly grouped.

Run by `make requirements`; arguments go to `uv pip compile` (for example --upgrade).
Pins that requirements.txt already holds stay unless they must or are told to move.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent
REQUIREMENTS = PROJECT_DIR / "requirements.txt"

# In this order: a package stands in the first group that needs it.
GROUPS = {
    "runtime": "Runtime",
    "celery": "Celery",
    "oauth": "OAuth",
    "tests": "Tests",
    "quality": "Quality",
}
HEADER = """\
# Made by `make requirements` from requirements/*.in; do not edit by hand.
# One resolution for Python 3.11 and newer, checked against its hashes. A package
# stands in the first group that needs it.
"""


def main(uv_arguments: list[str]) -> None:
    blocks = split_blocks(compiled(uv_arguments))
    REQUIREMENTS.write_text(grouped(blocks), encoding="utf-8")


def compiled(uv_arguments: list[str]) -> str:
    """What uv resolves for all groups together."""
    uv = Path(sys.executable).with_name("uv")
    sources = [f"requirements/{group}.in" for group in GROUPS]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "requirements.txt")
        if REQUIREMENTS.exists():
            shutil.copy(REQUIREMENTS, output)
        command = [uv, "pip", "compile", "--quiet", "--universal"]
        command += ["--generate-hashes", "--python-version", "3.11", "--no-header"]
        command += ["--output-file", output, *uv_arguments, *sources]
        if subprocess.run(command, cwd=PROJECT_DIR, check=False).returncode:
            sys.exit("requirements.txt is unchanged: uv could not compile it.")
        return output.read_text(encoding="utf-8")


def split_blocks(text: str) -> dict[str, str]:
    """Package name to its block: the pin, its hashes, and who asks for it.

    A package pinned twice, for different Pythons or platforms, is one block.
    """
    blocks: dict[str, str] = defaultdict(str)
    pin = r"^([A-Za-z0-9._-]+)\S*==.*\n(?:[ #].*\n)*"
    for match in re.finditer(pin, text, flags=re.MULTILINE):
        blocks[match[1]] += match[0]
    return blocks


def askers(block: str) -> set[str]:
    """The packages and `-r` files in the block's `# via` comment."""
    comments = re.findall(r"^ +#(.*)$", block, flags=re.MULTILINE)
    return {comment.strip().removeprefix("via").strip() for comment in comments}


def members(blocks: dict[str, str], group: str) -> set[str]:
    """The packages that the group asks for, directly or through others."""
    found: set[str] = set()
    reached = {f"-r requirements/{group}.in"}
    while reached:
        reached = {name for name in blocks if askers(blocks[name]) & reached} - found
        found |= reached
    return found


def grouped(blocks: dict[str, str]) -> str:
    sections = [HEADER]
    left = dict(blocks)
    for group, title in GROUPS.items():
        names = sorted(members(blocks, group) & left.keys())
        sections.append(section(title, group, (left.pop(name) for name in names)))
    if left:
        sys.exit(f"requirements.txt is unchanged: nobody asks for {sorted(left)}.")
    return "\n".join(sections)


def section(title: str, group: str, blocks: Iterable[str]) -> str:
    rule = "# " + "-" * 70
    return f"{rule}\n# {title} (requirements/{group}.in)\n{rule}\n" + "".join(blocks)


if __name__ == "__main__":
    main(sys.argv[1:])
