"""The dataset and version in the URL of a page."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode
from phoenix_web.store.datasets.datasets import DatasetInfo, DatasetStore
from phoenix_web.store.datasets.labels import LabelInfo, LabelStore
from phoenix_web.store.datasets.versions import VersionInfo, VersionStore
from phoenix_web.ui.filters import optional_id, require_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

#: Versions offered for selection.
_MAX_VERSIONS: Final = 50


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """A version and its position among the versions of its dataset, from 1."""

    number: int
    info: VersionInfo


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """The data that all pages of a dataset show."""

    #: The GlobalID.
    id: str
    dataset: DatasetInfo
    labels: list[LabelInfo]
    #: The newest versions in descending order, and the selected one.
    versions: list[NumberedVersion]
    #: The selected version; None for a dataset without versions.
    version: NumberedVersion | None

    @property
    def is_latest(self) -> bool:
        """Return whether the selected version is the newest."""
        return self.version is None or self.version == self.versions[0]

    @property
    def version_id(self) -> str | None:
        """Return the GlobalID of the selected version, or None for the newest."""
        if self.version is None or self.is_latest:
            return None
        return self.id_of(self.version)

    def id_of(self, version: NumberedVersion) -> str:
        """Return the GlobalID of *version*."""
        return encode("DatasetVersion", version.info.id)


def find_dataset(session: Session, dataset_id: str) -> DatasetInfo:
    """Return the dataset with the GlobalID *dataset_id*; raise `NotFound` if it does not exist."""
    dataset = DatasetStore(session).find(require_id("Dataset", dataset_id))
    if dataset is None:
        raise NotFound("This dataset does not exist. It may have been deleted.")
    return dataset


def find_dataset_page(session: Session, dataset_id: str) -> DatasetPage:
    """Return the dataset and the version in the query, by default the newest.

    Raises `NotFound` if one of them does not exist.
    """
    dataset = find_dataset(session, dataset_id)
    store = VersionStore(session, dataset.id)
    newest = store.page(_MAX_VERSIONS).items
    count = store.number(newest[0].id) if newest else 0
    versions = [NumberedVersion(count - place, info) for place, info in enumerate(newest)]
    version = versions[0] if versions else None
    version_id = optional_id("version", "DatasetVersion")
    if version_id is not None:
        info = store.find(version_id)
        if info is None:
            raise NotFound("This dataset does not have that version.")
        version = NumberedVersion(store.number(info.id), info)
        if version not in versions:
            versions.append(version)
    labels = labels_by_dataset(session, [dataset.id]).get(dataset.id, [])
    return DatasetPage(dataset_id, dataset, labels, versions, version)


def labels_by_dataset(session: Session, dataset_ids: Collection[int]) -> dict[int, list[LabelInfo]]:
    """Return labels by dataset id, sorted by name; datasets without labels are absent."""
    found = LabelStore(session).by_dataset(dataset_ids)
    return {key: sorted(labels, key=attrgetter("name")) for key, labels in found.items()}
