"""The `ObjectStore` contract: named objects that appear whole or not at all. Blocking; called in worker threads."""

from __future__ import annotations

import asyncio
import functools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from livedvr.resources.errors import InvalidArgument

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 16  # objects that are copied or fetched: a bucket answers each in some 50 ms


class ObjectStore(Protocol):
    """Objects under relative names such as ``av/20261121T021500Z-k3f9/segment-000000.m4s``.

    One suite, ``tests/contract/test_object_store.py``, holds every store to each sentence here. A name that does not
    pass `check_name` is INVALID_ARGUMENT; what the medium refuses is StorageError with the medium's own words.

    ``pause``: microseconds that have to lie between two writes of one name.
    """

    pause: int

    @property
    def threads(self) -> Executor | None:
        """Those in which it wants to be called, see `ask`; None: any."""

    def put_new(self, name: str, source: Path) -> None:
        """The local file becomes an object that is written only once; it stays where it is, its owner removes it.

        The same bytes again are success (an earlier answer may have been lost); other bytes are ObjectConflict, and
        what stands under the name is not touched.
        """

    def copy_from(self, source: ObjectStore, name: str) -> None:
        """What another store has under the name becomes an object here, written only once as by `put_new`.

        NOT_FOUND when it has none. It stays when the other one goes. Between two stores of a kind its bytes pass
        through nobody's hands.
        """

    def fetch(self, name: str, target: Path) -> None:
        """The object's bytes become a local file, where none is yet; NOT_FOUND when there are none."""

    def replace(self, name: str, data: bytes) -> None:
        """The object is ``data`` from now on; readers see the old bytes or the new ones, never a part."""

    def get(self, name: str) -> bytes:
        """The object's bytes, or NOT_FOUND."""

    def size(self, name: str) -> int | None:
        """The object's size in bytes, or None."""

    def list(self, prefix: str) -> Iterator[str]:
        """The names that begin with ``prefix`` (empty, or itself a name, with or without a slash behind it), sorted.

        Never a temporary, nor what lies below a dot folder.
        """

    def delete(self, name: str) -> None:
        """The object goes; that there is none is success."""

    def uri(self, name: str) -> str:
        """How a user names the object: a path or URL."""

    def close(self) -> None:
        """Nothing more is asked of it. What a thread has in hand goes on, and does no harm."""


async def ask(store: ObjectStore, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a method of the store, or what calls some, in one of its threads."""
    return await asyncio.get_running_loop().run_in_executor(store.threads, functools.partial(call, *args, **kwargs))


async def ask_for_each(store: ObjectStore, call: Callable[[str], object], names: Sequence[str]) -> None:
    """`ask` of each name, several at once. What one raises is raised, and the rest is not begun.

    Nothing is under way any more when it ends, also for who is cancelled.
    """
    for first in range(0, len(names), AT_ONCE):
        asked = [asyncio.ensure_future(ask(store, call, name)) for name in names[first : first + AT_ONCE]]
        ended = asyncio.ensure_future(asyncio.wait(asked))
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            await ended
            raise
        for error in [one.exception() for one in asked]:
            if error is not None:
                raise error


async def fetch_all(store: ObjectStore, names: Sequence[str], folder: Path) -> Path:
    """The objects as files of the same names below the folder, which is made. It."""
    for parent in {(folder / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)
    await ask_for_each(store, lambda name: store.fetch(name, folder / name), names)
    return folder


def check_name(name: str) -> str:
    """The name, if it is one: parts joined by ``/``, none empty or beginning with a dot, plain printable Unicode.

    Hidden names belong to the stores: their temporaries, and ``.livedvr/``.
    """
    parts = name.split("/")
    if any(not part or part.startswith(".") for part in parts):
        raise InvalidArgument(f"an empty part or one that starts with a dot in {name!r}", field="object name")
    if any(unicodedata.category(char) in ("Cc", "Cs") or char == "\\" for char in name):
        raise InvalidArgument(f"a backslash, control character or lone surrogate in {name!r}", field="object name")
    return name


def check_prefix(prefix: str) -> str:
    """A prefix for `ObjectStore.list`: empty, or a name with or without a slash behind it."""
    if prefix:
        check_name(prefix.removesuffix("/"))
    return prefix
