"""Rows that exist in the database before a measurement."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import insert

from phoenix_web.auth.credentials import key_text
from phoenix_web.store.accounts.models import ApiKey
from phoenix_web.store.accounts.users import DEFAULT_ADMIN_EMAIL, UserStore
from phoenix_web.store.database import Database
from phoenix_web.store.datasets.models import Dataset, text_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_BATCH = 10_000


def add_keys(database_url: str, count: int) -> str:
    """Add *count* keys to the database and return the text of one in the middle."""
    database = Database(database_url)
    text = key_text.generate(key_text.USER_KEY)
    with database.transaction() as session:
        owner = UserStore(session).find_by_email(DEFAULT_ADMIN_EMAIL)
        if owner is None:
            raise SystemExit("The database has no administrator.")
        for first in range(0, count, _BATCH):
            rows = list(_rows(owner.id, range(first, min(first + _BATCH, count))))
            if first <= count // 2 < first + _BATCH:
                rows[0]["digest"] = key_text.digest(text)
            session.execute(insert(ApiKey), rows)
    database.dispose()
    return text


def access_token(url: str, password: str) -> str:
    """Sign in as the administrator and return the access token."""
    response = httpx.post(
        f"{url}/auth/login",
        json={"email": DEFAULT_ADMIN_EMAIL, "password": password},
        headers={"Accept": "application/json"},
        trust_env=False,
    )
    response.raise_for_status()
    token: str = response.json()["access_token"]
    return token


def add_datasets(database_url: str, count: int) -> None:
    """Add *count* empty datasets to the database."""
    database = Database(database_url)
    with database.transaction() as session:
        for first in range(0, count, _BATCH):
            numbers = range(first, min(first + _BATCH, count))
            session.execute(insert(Dataset), list(_dataset_rows(numbers)))
    database.dispose()


def _rows(owner_id: int, numbers: range) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in numbers:
        yield {
            "user_id": owner_id,
            "name": f"key {number}",
            "digest": hashlib.sha256(f"key {number}".encode()).digest(),
            "hint": "phx_u_seed",
            "created_at": now,
        }


def _dataset_rows(numbers: range) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in numbers:
        name = f"questions {number}"
        yield {
            "name": name,
            "name_key": text_key(name),
            "metadata_json": "{}",
            "example_count": 0,
            "created_at": now,
            "updated_at": now,
        }
