"""The words of documentation, pages and docstrings: plain, and the subject named."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
#: Files and folders that keep to the list below.
CLEAN: Final = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "bench",
    "docs",
    "phoenix_web",
    "pyproject.toml",
    "static",
    "templates",
    "tests/test_documents.py",
)
SUFFIXES: Final = {"", ".css", ".html", ".js", ".md", ".py", ".toml", ".txt"}
#: Words that hide who acts, or what is returned.
VAGUE: Final = re.compile(r"\b(whoever|whatever|somebody|nobody|told|telling)\b", re.IGNORECASE)
#: Texts of the Phoenix API that contain one of them.
QUOTED: Final[tuple[str, ...]] = ()
#: A docstring starts with an imperative verb (functions) or a noun (modules, classes).
FIRST_WORDS: Final = re.compile(
    r"(Tell|Let|What|Whether|How|Who|Whose|Which|Where|Why|When|That)\b"
)


def _files(path: str) -> Iterator[Path]:
    found = ROOT / path
    assert found.exists(), path
    for file in sorted(found.rglob("*")) if found.is_dir() else [found]:
        is_foreign = "vendor" in file.parts or "__pycache__" in file.parts
        if file.is_file() and file.suffix in SUFFIXES and not is_foreign:
            yield file


@pytest.mark.parametrize("path", CLEAN)
def test_no_vague_words(path: str) -> None:
    found = []
    for file in _files(path):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            text = line
            for quote in QUOTED:
                text = text.replace(quote, "")
            if VAGUE.search(text):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()}")

    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", CLEAN)
def test_docstrings_start_with_a_verb_or_a_noun(path: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {docstring.partition(chr(10))[0]}"
        for file in _files(path)
        if file.suffix == ".py"
        for docstring in _public_docstrings(ast.parse(file.read_text(encoding="utf-8")))
        if FIRST_WORDS.match(docstring)
    ]

    assert not found, "\n".join(found)


def _public_docstrings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        is_private = not isinstance(node, ast.Module) and node.name.startswith("_")
        if not is_private:
            yield ast.get_docstring(node) or ""
    for child in ast.iter_child_nodes(node):
        yield from _public_docstrings(child)
