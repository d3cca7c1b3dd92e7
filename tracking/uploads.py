"""Uploads: files that are sent to a store together with their checksums, and have arrived."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..checksums import CHECKSUMS, Checksums, read_checksums, write_checksums
from .reachability import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import FileInfo


class Uploads:
    """The artifacts of runs. Its methods raise what MLflow's client raises."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def send(self, run_id: str, folder: Path, *, is_new: bool = False) -> None:
        """Add a folder's content to a run's artifacts, in place of files of the same names.

        Args:
            run_id: Whose.
            folder: It gets a list of checksums of its own and of the run's earlier files.
            is_new: Whether the run can have none yet.

        Raises:
            TrackingError: Not all has arrived.
        """
        write_checksums(folder, {} if is_new else self._checksums(run_id, folder))
        self._client.log_artifacts(run_id, str(folder))
        check_arrived(folder, lambda path: self._client.list_artifacts(run_id, path))

    def _checksums(self, run_id: str, folder: Path) -> Checksums:
        """Of the files that a run has; empty where their list is missing or damaged.

        It is read within `folder`: cleaners of temporary files do not come there.
        """
        if CHECKSUMS not in [one.path for one in self._client.list_artifacts(run_id)]:
            return {}
        with tempfile.TemporaryDirectory(dir=folder) as name:
            file = Path(self._client.download_artifacts(run_id, CHECKSUMS, name))
            try:
                return read_checksums(file)
            except ValueError:
                return {}


def check_arrived(folder: Path, list_artifacts: Callable[[str], Iterable[FileInfo]]) -> None:
    """Compare a store's own list of its files with a local folder that was sent there.

    A proxy may answer that it took a file, and drop it. MLflow's list has sizes, no checksums.

    Args:
        folder: What was sent.
        list_artifacts: Lists one folder of the store, given by its path below the place to which
            the folder was sent; an empty path for that place itself.

    Raises:
        TrackingError: A file is not there, or has another size.
    """
    sent: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        path = PurePosixPath(file.relative_to(folder).as_posix())
        below = "" if path.parent == PurePosixPath() else str(path.parent)
        sent[below][str(path)] = file.stat().st_size
    for below, sizes in sent.items():
        found = {one.path: one.file_size for one in list_artifacts(below)}
        for name, size in sizes.items():
            if name not in found:
                raise TrackingError(f"MLflow says that it took {name}, and does not have it")
            if found[name] != size:
                raise TrackingError(f"MLflow has {found[name]} bytes of {name}, sent were {size}")
