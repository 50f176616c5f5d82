"""What stands beside the code: vendored files, fragments, and the helpers of templates."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from phoenix_web.paths import bundled
from phoenix_web.ui.template_helpers import ago, exact, when

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

VENDORED = sorted(bundled("static").glob("vendor/*/vendor.json"))
TEMPLATES = bundled("templates")
FRAGMENTS = sorted(path for path in TEMPLATES.rglob("_*.html"))
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("vendor", VENDORED, ids=lambda path: path.parent.name)
def test_vendored_files_are_what_they_were(vendor: Path) -> None:
    told = json.loads(vendor.read_text())

    assert told["files"]
    assert (vendor.parent / "LICENSE").is_file()
    assert vendor.parent.name.endswith(told["version"])
    for name, integrity in told["files"].items():
        digest = hashlib.sha384((vendor.parent / name).read_bytes()).digest()
        assert integrity == f"sha384-{base64.b64encode(digest).decode()}"


def test_no_vendored_file_is_unlisted() -> None:
    listed = {
        vendor.with_name(name)
        for vendor in VENDORED
        for name in json.loads(vendor.read_text())["files"]
    }
    present = {path for path in (bundled("static") / "vendor").rglob("*") if path.is_file()}

    assert {path.name for path in present - listed} == {"LICENSE", "vendor.json"}


def test_pages_name_the_hash_of_htmx(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/login").text

    script = re.search(r'<script src="(/static/vendor/htmx[^"]+)" integrity="(sha384-[^"]+)"', page)

    assert script
    served = client.get(script[1], buffered=True)
    assert served.status_code == 200
    assert base64.b64encode(hashlib.sha384(served.data).digest()).decode() in script[2]
    assert "max-age=31536000" in served.headers["Cache-Control"]


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_every_fragment_is_part_of_a_page(fragment: Path) -> None:
    name = fragment.relative_to(TEMPLATES).as_posix()

    pages = [path for path in TEMPLATES.rglob("*.html") if f'include "{name}"' in path.read_text()]

    assert pages


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_swaps_nothing_but_itself(fragment: Path) -> None:
    text, name = fragment.read_text(), fragment.stem[1:]

    # The lists of sessions come from a macro, which gets the target as an argument.
    targets = set(re.findall(r'hx-target="([^"]+)"|session_rows\(sessions, \w+, "(\w+)"', text))

    assert {target.removeprefix("#") or argument for target, argument in targets} <= {name}
    assert not targets or f'id="{name}"' in text


@pytest.mark.parametrize(
    ("distance", "told"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(seconds=30), "in less than a minute"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=-3), "3 minutes ago"),
        (timedelta(minutes=-59, seconds=-50), "1 hour ago"),
        (timedelta(hours=-23), "23 hours ago"),
        (timedelta(days=7, seconds=-1), "in 7 days"),
        (timedelta(days=90, seconds=-1), "in 90 days"),
        (timedelta(days=-120), "4 months ago"),
        (timedelta(days=365, seconds=-1), "in 1 year"),
        (timedelta(days=-800), "2 years ago"),
    ],
)
def test_times_are_told_as_people_say_them(distance: timedelta, told: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert ago(NOW + distance) == told


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (timedelta(hours=-23), "23 hours ago"),
        (timedelta(days=90), "1 Apr 2030, in 90 days"),
        (timedelta(days=-120), "3 Sep 2029, 4 months ago"),
    ],
)
def test_times_beyond_a_day_name_the_date(distance: timedelta, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert when(NOW + distance) == text


def test_the_exact_time_names_its_zone() -> None:
    assert exact(NOW) == "2030-01-01 00:00:00 UTC"
