"""One MP4 file of a session. It only reads: a controller may own the channel and record meanwhile.

Retention cannot take a segment away under it: each gets a further name first, beside the file that is made. (From a
bucket each is fetched first.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.reading import reading
from livedvr.catalog.session_rows import SessionRow
from livedvr.clips.mp4 import Mp4Maker, files_of
from livedvr.clips.pieces import Piece, plan_pieces
from livedvr.clips.place import work_folder
from livedvr.resources.clip import Encoded
from livedvr.resources.errors import AlreadyExists, InvalidArgument, NotFound, StorageError
from livedvr.resources.models import Channel
from livedvr.resources.times import format_time
from livedvr.session_access import SessionAccess
from livedvr.storage.base import fetch_all
from livedvr.storage.open_store import Place
from livedvr.timeline.segment import Window

KEPT = "kept"  # the folder with the segments under further names, or fetched


@dataclass(frozen=True, slots=True)
class Exported:
    """The file. ``edges``: what of the stream's time it really covers, [start, end) in UTC microseconds, one for each
    piece: between them it is joined. ``duration`` in microseconds, ``size`` in bytes."""

    path: Path
    edges: list[tuple[int, int]]
    duration: int
    size: int
    encoded: Encoded


async def export(
    access: SessionAccess,
    session_id: str,
    target: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    exact: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Exported:
    """Write what the session lists, of [start, end) only (UTC microseconds), to ``target``, whole or not at all.

    Raises:
        InvalidArgument: ``target`` is no name for it, or ``end`` is not after ``start``.
        AlreadyExists: there is such a file, and it is not to be overwritten.
        NotFound: no such session, or no media in that time.
        FailedPrecondition: its media cannot be in one MP4.
        StorageError: what the disk says.
    """
    check_target(target, overwrite=overwrite)
    if start is not None and end is not None and end <= start:
        raise InvalidArgument(f"the end {format_time(end)} is not after the start {format_time(start)}", field="--end")
    channel, pieces = await asyncio.to_thread(_plan, access, session_id, start, end, exact)
    with work_folder(target.parent, "export") as folder, contextlib.ExitStack() as links:
        root = await _hold(access.place, files_of(channel, pieces), folder, links)
        made = await Mp4Maker(channel, root, folder, on_progress).make(pieces)
        size = await asyncio.to_thread(_place, made.path, target, overwrite=overwrite)
    edges = [(piece.start, piece.end) for piece in pieces]
    return Exported(target, edges, made.duration, size, made.encoded)


def check_target(target: Path, *, overwrite: bool) -> None:
    """Whether a file may be written there."""
    if target.suffix.lower() != ".mp4":
        raise InvalidArgument(f"'{target}' is not the name of an .mp4", field="OUT", hint="write OUT.mp4")
    if not target.parent.is_dir():
        raise StorageError("there is no such folder", field=str(target.parent), hint="make it first")
    if target.is_dir():
        raise InvalidArgument("it is a folder", field=str(target), hint="write FOLDER/OUT.mp4")
    if not overwrite and target.exists():
        raise AlreadyExists("it exists already", field=str(target), hint="--overwrite replaces it")


def _plan(
    access: SessionAccess, session_id: str, start: int | None, end: int | None, exact: bool
) -> tuple[Channel, list[Piece]]:
    """Blocking. What is to be taken, as the catalog has it at this moment."""
    with reading(access.catalog) as db:
        row = channel_rows.get_channel(db, access.channel)
        if row is None:
            raise NotFound(f"there is no channel '{access.channel}'", field="channel")
        session = session_rows.get_session(db, access.channel, session_id)
        known = segment_rows.load_timeline(db, row)
    windows = narrowed(session_rows.listed_windows(session), start, end)
    if not known.timeline.has_media(windows):
        raise NotFound(_no_media(session, start, end), field="dvrSession")
    return row.channel, plan_pieces(row.channel, session.manifest_key, windows, known, exact=exact)


def narrowed(windows: Sequence[Window], start: int | None, end: int | None) -> list[Window]:
    """What of the windows lies in [start, end)."""
    found = []
    for window in windows:
        low = window.start if start is None else max(start, window.start)
        ends = [one for one in (window.end, end) if one is not None]
        high = min(ends, default=None)
        if high is None or low < high:
            found.append(Window(low, high))
    return found


def _no_media(session: SessionRow, start: int | None, end: int | None) -> str:
    part = "" if start is None and end is None else " in that time"
    return f"session '{session.id}' has no media{part} ({session.state})"


async def _hold(place: Place, names: Sequence[str], folder: Path, links: contextlib.ExitStack) -> Path:
    """A folder with the segments that nobody takes away; those of a bucket are fetched into it."""
    if place.root is not None:
        return await asyncio.to_thread(_link, place.root, names, folder, links)
    store = await asyncio.to_thread(place.open, gzipped=False)
    links.callback(store.close)
    try:
        return await fetch_all(store, names, folder / KEPT)
    except NotFound as error:
        raise _has_gone(error.field) from None


def _link(root: Path, names: Sequence[str], folder: Path, links: contextlib.ExitStack) -> Path:
    """Blocking. A folder with a further name for each segment. Where there can be none: where they lie themselves."""
    if not root.is_dir():
        raise StorageError("the channel's output is not there", field=str(root), hint="is it mounted?")
    for place in (folder, root / ".livedvr"):
        with contextlib.suppress(OSError, StorageError):
            held = (folder if place == folder else links.enter_context(work_folder(place, "export"))) / KEPT
            _link_all(root, names, held)
            return held
    return root


def _link_all(root: Path, names: Sequence[str], held: Path) -> None:
    for folder in {(held / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        try:
            os.link(root / name, held / name)
        except FileNotFoundError:
            raise _has_gone(name) from None


def _has_gone(name: str | None) -> NotFound:
    return NotFound("it was kept a moment ago, and has gone", field=name, hint="try again, with a later --start")


def _place(made: Path, target: Path, *, overwrite: bool) -> int:
    """Blocking. The file gets its name, when its bytes are durable. How many they are."""
    try:
        with made.open("rb") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        if overwrite:
            made.replace(target)
        else:
            _place_new(made, target)
        for descriptor in _opened(target.parent):
            os.fsync(descriptor)
        return size
    except FileExistsError:
        raise AlreadyExists("it exists already", field=str(target), hint="--overwrite replaces it") from None
    except OSError as error:
        raise StorageError(error.strerror or str(error), field=str(target)) from error


def _place_new(made: Path, target: Path) -> None:
    """Never over what somebody has made meanwhile; on a file system without links (a USB stick) as far as one sees."""
    try:
        os.link(made, target)
    except PermissionError:
        if target.exists():
            raise FileExistsError from None
        made.replace(target)


def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
