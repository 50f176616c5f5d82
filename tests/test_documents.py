"""Files, functions and sections that the documentation names exist, and the map is complete."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from phoenix_web.audit.events import AuditAction
from phoenix_web.cli import commands
from tests.test_architecture import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
DOCUMENTS: Final = [
    *sorted(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
#: `path` or `path: name`, where the path starts at the top level of the repository.
NAMED: Final = re.compile(r"`([\w.-]+(?:/[\w.-]*)*)(?:: ([\w.]+))?`")
#: Anything with such an end is a file, even in a folder that no longer exists.
FILE: Final = re.compile(r"/.*\.(css|html|js|json|md|py|toml|txt)$")
LINK: Final = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_and_functions_exist(document: Path) -> None:
    top = {path.name for path in ROOT.iterdir()}
    missing = []
    for path, name in NAMED.findall(document.read_text(encoding="utf-8")):
        if not name and path.partition("/")[0] not in top and not FILE.search(path):
            continue
        file = ROOT / path
        if not (file.exists() and (not name or name in _names(file))):
            missing.append(f"{path}: {name}" if name else path)

    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_sections(document: Path) -> None:
    missing = []
    for path, section in LINK.findall(document.read_text(encoding="utf-8")):
        target = (document.parent / path).resolve() if path else document
        if not (target.exists() and (not section or section in _sections(target))):
            missing.append(f"{path}#{section}")

    assert not missing, "\n".join(missing)


def test_the_map_names_every_part() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    parts = set().union(*ORDER) - {""}

    assert [
        part
        for part in sorted(parts)
        if f"`phoenix_web/{part}/`" not in text and f"`phoenix_web/{part}.py`" not in text
    ] == []


def test_the_import_order_is_the_one_that_is_tested() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    block = text.split("```text\n", 1)[1].split("```", 1)[0]
    documented = [set(line.replace('""', "").split(", ")) for line in block.splitlines()]

    assert documented == list(ORDER)


def test_every_audit_action_is_documented() -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")

    assert [action for action in AuditAction if f"`{action}`" not in text] == []


def test_every_command_is_documented() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    missing = []
    for name, command in commands.commands.items():
        listed = [line for line in lines if line.startswith(f"| `phoenix-web {name}")]
        words = {word for line in listed for word in re.findall(r"[\w-]+", line.split("` |")[0])}
        needed = command.commands if isinstance(command, click.Group) else [name]
        missing += [f"{name} {word}" for word in needed if word not in words]

    assert missing == []


def _names(file: Path) -> set[str]:
    """Return what *file* defines, a method or attribute as `Class.name`."""
    return set(_defined(ast.parse(file.read_text(encoding="utf-8")), ""))


def _defined(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield prefix + child.name
        if isinstance(child, ast.ClassDef):
            yield from _defined(child, f"{prefix}{child.name}.")
        if isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))


def _sections(file: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of *file*."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
