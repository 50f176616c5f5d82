"""The dataset and the version that an address names."""

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

#: Versions that can be chosen on the page.
_VERSIONS: Final = 50


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """A version; its `number` counts those of its dataset, from 1."""

    number: int
    info: VersionInfo


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """What the pages of one dataset have in common."""

    #: The GlobalID.
    id: str
    dataset: DatasetInfo
    labels: list[LabelInfo]
    #: The newest versions, newest first, and the chosen one.
    versions: list[NumberedVersion]
    #: None when nothing was ever uploaded.
    version: NumberedVersion | None

    @property
    def is_latest(self) -> bool:
        """Tell whether the chosen version is the newest."""
        return self.version is None or self.version == self.versions[0]

    @property
    def version_id(self) -> str | None:
        """Return the GlobalID of an older version; None for the newest, which needs no telling."""
        if self.version is None or self.is_latest:
            return None
        return self.id_of(self.version)

    def id_of(self, version: NumberedVersion) -> str:
        """Return the GlobalID of *version*."""
        return encode("DatasetVersion", version.info.id)


def find_dataset(session: Session, dataset_id: str) -> DatasetInfo:
    """Return the dataset with the GlobalID *dataset_id*; raise `NotFound` without one."""
    dataset = DatasetStore(session).find(require_id("Dataset", dataset_id))
    if dataset is None:
        raise NotFound("This dataset does not exist. It may have been deleted.")
    return dataset


def find_dataset_page(session: Session, dataset_id: str) -> DatasetPage:
    """Return the dataset and the version that the query's `version` names, or the newest one.

    Raises `NotFound` without them.
    """
    dataset = find_dataset(session, dataset_id)
    store = VersionStore(session, dataset.id)
    newest = store.page(_VERSIONS).items
    count = store.number(newest[0].id) if newest else 0
    versions = [NumberedVersion(count - place, info) for place, info in enumerate(newest)]
    version = versions[0] if versions else None
    wanted = optional_id("version", "DatasetVersion")
    if wanted is not None:
        info = store.find(wanted)
        if info is None:
            raise NotFound("This dataset does not have that version.")
        version = NumberedVersion(store.number(info.id), info)
        if version not in versions:
            versions.append(version)
    labels = labels_of(session, [dataset.id]).get(dataset.id, [])
    return DatasetPage(dataset_id, dataset, labels, versions, version)


def labels_of(session: Session, dataset_ids: Collection[int]) -> dict[int, list[LabelInfo]]:
    """Return the labels of each of the datasets that has one, by name."""
    found = LabelStore(session).by_dataset(dataset_ids)
    return {key: sorted(labels, key=attrgetter("name")) for key, labels in found.items()}
