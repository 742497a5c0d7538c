"""Where clips go. Blocking."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath

from livedvr.resources.clip import OutputType
from livedvr.resources.errors import AlreadyExists, InvalidArgument, StorageError
from livedvr.resources.models import Channel, Manifest
from livedvr.storage.base import ObjectStore
from livedvr.storage.open_store import Place, place_of


def file_name(manifest: Manifest, output_type: OutputType) -> str:
    """What is played of a clip, below its output: ``main.m3u8``, or ``main.mp4``."""
    name = manifest.file_name
    return name if output_type == "MANIFEST" else str(PurePosixPath(name).with_suffix(".mp4"))


def absolute(uri: str) -> str:
    """The place of a clip as its row keeps it; INVALID_ARGUMENT where nothing can be written."""
    if not uri:
        raise InvalidArgument("it is empty", field="outputUri", hint="a directory, file:///... or gs://bucket/prefix")
    try:
        place = place_of(uri)
    except InvalidArgument as error:
        raise InvalidArgument(error.message, field="outputUri", hint=error.hint) from None
    return uri if "://" in uri else place.uri


@contextlib.contextmanager
def open_place(uri: str, channel: Channel) -> Iterator[ObjectStore]:
    """Blocking. The store that a clip of the channel is written to; StorageError when nobody is signed in."""
    store = place_of(uri).open(gzipped=channel.output.gzip)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def work_folder(beside: Path, name: str) -> Iterator[Path]:
    """A hidden folder on the file system of what is made there; it has gone afterwards."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".livedvr-{name}.", dir=beside))
    except OSError as error:
        raise StorageError(error.strerror or str(error), field=str(beside)) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_left(beside: Path, name: str) -> None:
    """Blocking. The work folders of that name that killed controllers have left go."""
    for left in beside.glob(f".livedvr-{name}.*"):
        shutil.rmtree(left, ignore_errors=True)


def check_place(uri: str, channels: Iterable[Channel]) -> None:
    """Blocking. INVALID_ARGUMENT unless a clip may be written there; StorageError when it cannot. A directory is made.

    A clip has folders named as a channel's own: it never goes into an output itself, nor among what is the channel's.
    """
    place = place_of(uri)
    root = _path(place)
    for channel in channels:
        output = _path(place_of(channel.output.uri))
        own = [output / name for name in ("dvr", ".livedvr", *(mux.key for mux in channel.mux_streams))]
        if root == output or any(root.is_relative_to(folder) for folder in own):
            raise InvalidArgument(
                f"'{uri}' belongs to channel '{channel.channel_id}', which writes there itself",
                field="outputUri",
                hint=f"use a folder of its own, e.g. {channel.output.uri.rstrip('/')}/clips/my-clip",
            )
    place.check(make=True)


def _path(place: Place) -> PurePath:
    """Places as paths, to be compared: of a bucket a relative one, ``gs:/bucket/prefix``."""
    return place.root.resolve() if place.root else PurePosixPath(place.uri)


def check_free(uri: str, channel: Channel, manifest_key: str, output_type: OutputType) -> None:
    """Blocking. ALREADY_EXISTS when something stands there that a clip would replace or mix with."""
    manifest = channel.manifest(manifest_key)
    name = file_name(manifest, output_type)
    with open_place(uri, channel) as store:
        found = name if store.size(name) is not None else None
        if output_type == "MANIFEST":
            folders = (store.list(f"{mux}/") for mux in manifest.mux_streams)
            found = found or next((name for folder in folders for name in folder), None)
        if found is not None:
            text = f"{store.uri(found)} exists already"
            raise AlreadyExists(text, field="outputUri", hint="a clip replaces nothing: use another folder")
