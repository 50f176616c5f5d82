"""What must never rot: the direction of imports, guarded routes, rows that stay in the store."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import phoenix_web
from phoenix_web import create_app
from phoenix_web.policy import GRANTS, Permission
from phoenix_web.settings import PREFIX, Settings
from tests.factories import make_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

PACKAGE: Final = Path(phoenix_web.__file__).parent
ROOT: Final = PACKAGE.parent
#: Every part of the package, from the top down: a part imports those below it, and never one
#: above or beside it. The first name is the package itself, with `create_app`.
ORDER: Final = (
    {"__main__"},
    {"cli"},
    {"serving"},
    {"server"},
    {""},
    {"responses"},
    {"api", "ui"},
    {"web"},
    {"mail"},
    {"auth"},
    {"store"},
    {"audit", "datasets", "rate_limits", "settings"},
    {
        "addresses",
        "errors",
        "global_ids",
        "paths",
        "policy",
        "redaction",
        "text",
        "version",
    },
)
LEVEL: Final = {part: level for level, parts in enumerate(ORDER) for part in parts}
LEAVES: Final = ORDER[-1]
MAX_LINES: Final = 250


def _modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(phoenix_web.__path__, "phoenix_web.")]


def _source(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imports(module: str) -> set[str]:
    """Return the full names that *module* imports at run time, those inside functions included."""
    tree = ast.parse(_source(module).read_text(encoding="utf-8"))
    found = set()
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs: an import for annotations alone needs no layer to be there."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _run_time_nodes(node)


def _own_parts(imports: set[str]) -> set[str]:
    """Return the parts of the package, such as `auth` or `web`, that *imports* are from."""
    parts = {_part(name) for name in imports if name.startswith("phoenix_web.")}
    # `from phoenix_web import create_app` names an attribute of the package itself.
    return {part if part in LEVEL or _is_module(part) else "" for part in parts}


def _is_module(part: str) -> bool:
    return (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()


def _part(module: str) -> str:
    return module.removeprefix("phoenix_web").removeprefix(".").partition(".")[0]


MODULES: Final = ["phoenix_web", *_modules()]


def test_every_part_of_the_package_has_its_place_in_the_order() -> None:
    parts = {_part(module) for module in MODULES}

    assert parts == set(LEVEL), "list each part in ORDER and in docs/architecture.md"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    own = _part(module)
    others = _own_parts(_imports(module)) - {own}

    upward = {part for part in others if LEVEL[part] <= LEVEL[own]}
    assert not upward, f"{module} imports {sorted(upward)}, which ORDER does not place below {own}"


def test_the_application_needs_no_server() -> None:
    """Any WSGI server can run it: importing the application imports no gunicorn."""
    program = "import sys, phoenix_web; print('gunicorn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert run.stdout.split() == [b"False"]


@pytest.mark.parametrize(
    ("part", "foreign"),
    [
        ("mail", {"flask", "werkzeug", "sqlalchemy"}),
        ("auth", {"flask", "werkzeug", "sqlalchemy"}),
        ("store", {"flask", "werkzeug"}),
        ("audit", {"flask", "werkzeug", "sqlalchemy"}),
        ("datasets", {"flask", "werkzeug", "sqlalchemy"}),
        ("policy", {"flask", "sqlalchemy"}),
        ("errors", {"flask", "sqlalchemy"}),
    ],
)
def test_inner_parts_do_not_know_the_frameworks_around_them(part: str, foreign: set[str]) -> None:
    for module in MODULES:
        if _part(module) == part:
            packages = {name.partition(".")[0] for name in _imports(module)}
            assert not packages & foreign, module


def test_nobody_but_the_settings_reads_the_environment() -> None:
    for module in MODULES:
        names = _imports(module)
        source = _source(module).read_text(encoding="utf-8")
        if _part(module) != "settings":
            assert not re.search(r"\bos\.(environ|getenv)\b", source), module
            assert not any(re.match(r"os\.environ|pydantic_settings", name) for name in names)


def test_the_tables_are_known_to_the_store_alone() -> None:
    for module in MODULES:
        if _part(module) != "store":
            tables = {
                name for name in _imports(module) if re.match(r"phoenix_web\.store.*models", name)
            }
            assert not tables, module


def test_no_row_leaves_the_store() -> None:
    looked_at = 0
    for module in MODULES:
        if _part(module) != "store" or "migrations" in module or module.endswith("models"):
            continue
        loaded = importlib.import_module(module)
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            if kind.__module__ != module or not kind.__name__.endswith("Store"):
                continue
            for name, method in inspect.getmembers(kind, inspect.isfunction):
                if name.startswith("_"):
                    continue
                told = re.sub(r"^.*->", "", str(inspect.signature(method)))
                rows = {row for row in _rows() if re.search(rf"\b{row}\b", told)}
                assert not rows, f"{kind.__name__}.{name} returns {told}"
                looked_at += 1
    assert looked_at > 20


def _rows() -> set[str]:
    """Return the names of the mapped classes that no frozen value shares."""
    from phoenix_web.store.models import Base  # noqa: PLC0415 - only here is it anybody's business

    return {mapper.class_.__name__ for mapper in Base.registry.mappers}


def test_what_the_store_tells_is_frozen() -> None:
    for module in MODULES:
        if _part(module) != "store":
            continue
        for node in ast.walk(ast.parse(_source(module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                told = [ast.unparse(decorator) for decorator in node.decorator_list]
                for decorator in told:
                    if decorator.startswith("dataclass"):
                        assert "frozen=True" in decorator, f"{module}.{node.name}"


@pytest.fixture
def bare_app(tmp_path: Path) -> Flask:
    """Return an application that is asked for its routes only."""
    return create_app(make_settings(f"sqlite:///{tmp_path}/none.db", tmp_path))


def test_every_route_is_guarded_or_public_by_name(bare_app: Flask) -> None:
    for endpoint, view in bare_app.view_functions.items():
        is_public, permission = getattr(view, "is_public", False), getattr(view, "permission", None)
        is_guarded = permission is not None
        assert is_public != is_guarded, f"{endpoint}: declare either @requires or @public"
        assert not is_guarded or permission in GRANTS, f"{endpoint}: {permission} is not in GRANTS"


def test_every_permission_is_asked_for_by_a_route(bare_app: Flask) -> None:
    views = bare_app.view_functions.values()
    used = {getattr(view, "permission", None) for view in views} - {None}

    assert used == set(Permission)


def test_every_route_of_the_api_declares_itself(bare_app: Flask) -> None:
    for endpoint, view in bare_app.view_functions.items():
        if endpoint.startswith("api."):
            assert hasattr(view, "operation"), f"{endpoint}: declare the view with @declares"
            # Otherwise `@declares` would read the input of callers without the permission.
            declared = getattr(view, "__wrapped__", view) if hasattr(view, "permission") else view
            assert hasattr(declared, "operation"), f"{endpoint}: place @declares below @requires"


def _documentation() -> str:
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_setting_is_documented() -> None:
    text = _documentation()
    settings = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]

    assert [name for name in settings if not re.search(rf"\b{name}\b", text)] == []


def test_every_documented_setting_exists() -> None:
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    documented = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]*[A-Z0-9]\b", _documentation()))
    # Read by the clients, and therefore documented, too.
    known = settings | {f"{name}_FILE" for name in settings} | CLIENT_SETTINGS

    assert documented <= known


CLIENT_SETTINGS: Final = {"PHOENIX_API_KEY", "PHOENIX_CLIENT_HEADERS", "PHOENIX_COLLECTOR_ENDPOINT"}


def test_no_module_has_outgrown_its_concept() -> None:
    long = {
        module: lines
        for module in MODULES
        if (lines := len(_source(module).read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }

    assert long == {}
