"""The wheel in an empty environment, far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.factories import DEFAULT_ADMIN_PASSWORD
from tests.support.live import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.live import LiveServer

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it in an environment of its own, and return its folder.

    What the wheel depends on comes from this environment, as nothing of it is under test; of this
    environment's path files, which name the checkout, none is read.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", f"--outdir={folder}"]
    subprocess.run([*build, ROOT], check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    site = f"lib/python{sysconfig.get_python_version()}/site-packages"
    (environment / site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", f"--python={environment}", "install", "--no-deps"]
    options = ["--no-index", "--quiet", "--force-reinstall", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, wheel], check=True, capture_output=True)
    return environment


@pytest.fixture
def server(installed: Path, tmp_path: Path) -> Iterator[LiveServer]:
    """Serve what is installed from a folder that holds nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        "HOME": str(tmp_path / "home"),
        "PHOENIX_WORKING_DIR": str(tmp_path / "work"),
        "PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD": DEFAULT_ADMIN_PASSWORD,
        "PHOENIX_PASSWORD_HASH_MEMORY_KIB": "8",
        "PHOENIX_PASSWORD_HASH_ITERATIONS": "1",
    }
    command = installed / "bin" / "phoenix-web"
    with running_server(environment, workers=1, command=command, folder=elsewhere) as server:
        yield server


def test_everything_of_it_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = (
        "import phoenix_web, phoenix_web.paths as paths;"
        "print(phoenix_web.__file__, paths.bundled('templates'), paths.bundled('static'))"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    python = installed / "bin" / "python"
    printed = subprocess.run(
        [python, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    ).stdout

    assert len(printed.split()) == 3
    for path in printed.split():
        assert Path(path).is_relative_to(installed)
        assert Path(path).exists()


def test_one_can_sign_in(server: LiveServer, tmp_path: Path) -> None:
    body = {"email": "admin@localhost", "password": DEFAULT_ADMIN_PASSWORD}
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        page = client.get("/login")
        assert page.status_code == 200
        assert "<form" in page.text
        [style, *_] = [part for part in page.text.split('"') if part.startswith("/static/")]
        assert client.get(style).status_code == 200

        assert client.post("/auth/login", json=body).status_code == 204
        assert client.get("/v1/user").json()["data"]["email"] == "admin@localhost"
    assert (tmp_path / "work" / "phoenix.db").exists()
    assert not (tmp_path / "home").exists()
