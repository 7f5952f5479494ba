"""Reads every import of the tree and says which ones point the wrong way.

The rules are those of docs/architecture.md: hosts know massmail, massmail knows no
host; inside massmail each layer imports only those below it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
APPS = ("common", "massmail", "crm", "settings")

# What each app may know of the others, besides itself.
MAY_IMPORT = {
    "common": set(),
    "massmail": {"common"},
    "crm": {"common", "massmail"},
    "settings": {"common", "massmail", "crm"},
}

# From the bottom to the top; the name is the second part of a module's name.
LAYERS = (
    {"conf", "exceptions", "signals"},
    {"guide", "patience"},
    {"models", "migrations"},
    {"recipients", "backends"},
    {"credentials", "permissions", "tokens"},
    {
        "audience",
        "content",
        "templatetags",
        "sending",
        "tracking",
        "inbound",
        "reports",
    },
    {"orchestrator"},
    {
        "admin",
        "admin_actions",
        "apps",
        "checks",
        "forms",
        "management",
        "public_urls",
        "site",
        "tasks",
        "urls",
        "views",
    },
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
EDGES = LAYERS[-1]
# Two parts that count as one.
ALIASES = {"templatetags": "content", "migrations": "models"}
# Contracts with hosts and servers: they are about no mailing.
KNOW_NO_MODELS = {"recipients", "backends"}
DYNAMIC = {"import_module", "import_string", "__import__"}


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, whether it is a package, its path."""

    name: str
    path: Path

    @property
    def parts(self) -> list[str]:
        return self.name.split(".")

    @property
    def app(self) -> str:
        return self.parts[0]

    @property
    def is_test(self) -> bool:
        return "tests" in self.parts or self.parts[-1] == "conftest"


def modules_of(project: Path) -> Iterator[Module]:
    """Every module of the apps."""
    for app in APPS:
        for path in sorted((project / app).rglob("*.py")):
            relative = path.relative_to(project).with_suffix("")
            parts = [part for part in relative.parts if part != "__init__"]
            yield Module(".".join(parts), path)


def wrong_imports(module: Module, source: str) -> Iterator[str]:
    """What is wrong with a module's imports, each with its line."""
    for line, target in imports_of(ast.parse(source)):
        if reason := objection(module, target):
            yield f"{module.name}:{line}: {target}: {reason}"


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all imports, wherever they stand; "." if relative."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            separator = "" if start.endswith(".") else "."
            for alias in node.names:
                yield node.lineno, f"{start}{separator}{alias.name}"
        elif isinstance(node, ast.Call) and (name := dynamic_import(node)):
            yield node.lineno, name


def dynamic_import(call: ast.Call) -> str:
    """The name that `import_module("…")` and its like bring in."""
    function = call.func
    name = getattr(function, "attr", None) or getattr(function, "id", "")
    literal = call.args and isinstance(call.args[0], ast.Constant)
    if name not in DYNAMIC or not literal:
        return ""
    return str(call.args[0].value)


def objection(module: Module, target: str) -> str:
    """Why the module must not import the target; "" when it may."""
    if target.startswith("."):
        return "imports are absolute"
    parts = target.split(".")
    app = parts[0]
    if app not in APPS:
        return ""
    if app != module.app and app not in MAY_IMPORT[module.app]:
        return f"{module.app} does not know {app}"
    if module.is_test:
        return ""
    if "tests" in parts:
        return "tests are not part of the product"
    if app == module.app == "massmail":
        return objection_inside(module.parts, parts)
    return ""


def objection_inside(module: list[str], target: list[str]) -> str:
    """The layers of massmail; the package's own `__init__` is empty."""
    importer, imported = (part_of(parts) for parts in (module, target))
    for part in (importer, imported):
        if part not in RANK:
            return f"{part} has no layer"
    if importer == imported:
        return ""
    if importer in KNOW_NO_MODELS and imported == "models":
        return f"{importer} knows no model"
    if RANK[imported] > RANK[importer]:
        return f"{importer} is below {imported}"
    if RANK[imported] == RANK[importer] and importer not in EDGES:
        return f"{importer} and {imported} do not know each other"
    return ""


def part_of(parts: list[str]) -> str:
    part = parts[1] if len(parts) > 1 else ""
    return ALIASES.get(part, part)


def misplaced_files(project: Path) -> Iterator[str]:
    """Rooms without a subject: `common/utils/helpers.py` is the only one."""
    for module in modules_of(project):
        inside = module.path.relative_to(project)
        if "utils" in module.parts and inside.parts[:2] != ("common", "utils"):
            yield f"{inside}: a module is named for its subject"
        if module.parts[-1].rstrip("0123456789") in ("helpers", "misc") and (
            inside.as_posix() != "common/utils/helpers.py"
        ):
            yield f"{inside}: common/utils/helpers.py is the one place of that name"
