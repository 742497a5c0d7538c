"""Puts the files of a recording into their place. Blocking.

A controller may die between two of them, and the next one makes them again: what was put is noted before, in a hidden
file beside, so that nothing is ever taken away that is somebody else's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livedvr.recordings.hls import read_names
from livedvr.recordings.place import local_root
from livedvr.resources.errors import AlreadyExists, StorageError
from livedvr.resources.recording import Recording, RecordingFile
from livedvr.storage.local import LocalStore


class Placing:
    """The place of one recording's files."""

    def __init__(self, recording: Recording) -> None:
        self._uri = recording.spec.output_uri.rstrip("/")
        root = local_root(recording.spec.output_uri)
        self._store = LocalStore(root)
        self._note = root / f".livedvr-placed.{recording.channel_id}.{recording.recording_id}"
        self._left = [name for file in recording.files for name in self._names(file)]

    def put(self, name: str, source: Path) -> None:
        """It replaces nothing: ALREADY_EXISTS."""
        self.check_free(name)
        with self._noting(), self._note.open("a") as note:
            note.write(f"{name}\n")
            note.flush()
            os.fsync(note.fileno())
        self._store.put_new(name, source)

    def check_free(self, name: str) -> None:
        """ALREADY_EXISTS where something stands there."""
        if self._store.size(name) is not None:
            raise AlreadyExists(
                f"{self._store.uri(name)} exists already", field="outputUri", hint="another folder, or another name"
            )

    def keep(self) -> None:
        """What has been put stays."""
        with self._noting():
            self._note.unlink(missing_ok=True)

    def take_back(self) -> None:
        """All of its files go, those that have been told of first."""
        with self._noting():
            noted = self._note.read_text().splitlines() if self._note.exists() else []
        for name in (*self._left, *noted):
            self._store.delete(name)
        self.keep()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(error.strerror or str(error), field=str(self._note)) from error

    def _names(self, file: RecordingFile) -> list[str]:
        """Its name; of HLS the playlist's, and of what it lists."""
        name = file.uri.removeprefix(f"{self._uri}/")
        if file.format != "HLS" or self._store.size(name) is None:
            return [name]
        folder = name.rpartition("/")[0]
        listed = read_names(self._store.get(name).decode())
        return [name, *(f"{folder}/{one}" if folder else one for one in listed)]
