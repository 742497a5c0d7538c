"""The ObjectStore contract, clause by clause, for every store."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import storage

from gcs_server import Bucket, GcsServer
from livedvr.resources.errors import InvalidArgument, NotFound, ObjectConflict, StorageError
from livedvr.storage.base import ObjectStore
from livedvr.storage.gcs import GcsStore
from livedvr.storage.local import LocalStore
from livedvr.storage.memory import MemoryStore

NAME = "av/20260101T000000Z-k3f9/segment-000000.m4s"


KINDS = ("local", "memory", "gcs")
Opener = Callable[[str, str], ObjectStore]  # (kind, name)


@pytest.fixture
def open_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    with contextlib.ExitStack() as opened:

        def make(kind: str, name: str) -> ObjectStore:
            if kind == "memory":
                return MemoryStore()
            if kind == "local":
                (tmp_path / name).mkdir()
                return LocalStore(tmp_path / name)
            if "STORAGE_EMULATOR_HOST" not in os.environ:
                server = opened.enter_context(GcsServer(Bucket("root"), Bucket("other-root")))
                monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
            return GcsStore(storage.Client().bucket(name), "tv/")

        yield make


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, open_store: Opener) -> ObjectStore:
    return open_store(request.param, "root")


@pytest.fixture(params=KINDS)
def other(request: pytest.FixtureRequest, open_store: Opener) -> ObjectStore:
    """A second store, of any kind."""
    return open_store(request.param, "other-root")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "spooled"
    path.write_bytes(b"media" * 1000)
    return path


def test_a_new_object_has_the_bytes_of_the_file_and_the_file_stays(store: ObjectStore, source: Path) -> None:
    store.put_new(NAME, source)
    assert store.get(NAME) == source.read_bytes() == b"media" * 1000
    assert store.size(NAME) == 5000
    source.unlink()
    assert store.get(NAME) == b"media" * 1000


def test_the_same_bytes_again_are_success(store: ObjectStore, source: Path, tmp_path: Path) -> None:
    store.put_new(NAME, source)
    store.put_new(NAME, source)
    copy = tmp_path / "copy"
    copy.write_bytes(source.read_bytes())
    store.put_new(NAME, copy)
    assert store.get(NAME) == b"media" * 1000


def test_other_bytes_are_a_conflict_and_change_nothing(store: ObjectStore, source: Path, tmp_path: Path) -> None:
    store.put_new(NAME, source)
    for other in (b"other" * 1000, b"", b"media" * 1001):
        (tmp_path / "other").write_bytes(other)
        with pytest.raises(ObjectConflict, match="segment-000000"):
            store.put_new(NAME, tmp_path / "other")
    assert store.get(NAME) == b"media" * 1000


def test_a_source_that_is_missing_is_an_error_that_creates_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        store.put_new(NAME, tmp_path / "nothing")
    assert store.size(NAME) is None


def test_of_racing_writers_exactly_one_wins(store: ObjectStore, tmp_path: Path) -> None:
    for attempt in range(20):
        name, outcomes = f"av/run/{attempt}", []
        start = threading.Barrier(4)

        def put(
            writer: int, name: str = name, outcomes: list[str] = outcomes, start: threading.Barrier = start
        ) -> None:
            path = tmp_path / f"{writer}"
            path.write_bytes(b"%d" % writer * 100)
            start.wait()
            try:
                store.put_new(name, path)
                outcomes.append("won")
            except ObjectConflict:
                outcomes.append("lost")

        threads = [threading.Thread(target=put, args=(writer,)) for writer in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["lost"] * 3 + ["won"]
        for writer in range(4):
            (tmp_path / f"{writer}").unlink()


def test_a_copy_has_the_same_name_and_bytes_and_outlives_what_it_is_of(
    store: ObjectStore, other: ObjectStore, source: Path
) -> None:
    other.put_new(NAME, source)
    store.copy_from(other, NAME)
    store.copy_from(other, NAME)  # an earlier answer may have been lost
    other.delete(NAME)
    assert list(other.list("")) == []
    assert store.get(NAME) == b"media" * 1000 and list(store.list("")) == [NAME]
    other.put_new(NAME, source)
    store.copy_from(other, NAME)  # another file with the same bytes
    store.delete(NAME)
    assert other.get(NAME) == b"media" * 1000


def test_a_copy_replaces_nothing(store: ObjectStore, other: ObjectStore, source: Path) -> None:
    other.put_new(NAME, source)
    store.replace(NAME, b"mine")
    with pytest.raises(ObjectConflict, match="segment-000000"):
        store.copy_from(other, NAME)
    assert store.get(NAME) == b"mine"


def test_what_is_not_there_cannot_be_copied(store: ObjectStore, other: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.copy_from(other, NAME)
    assert store.size(NAME) is None


def test_a_file_is_fetched(store: ObjectStore, source: Path, tmp_path: Path) -> None:
    store.put_new(NAME, source)
    store.fetch(NAME, tmp_path / "fetched")
    store.delete(NAME)
    assert (tmp_path / "fetched").read_bytes() == b"media" * 1000
    with pytest.raises(NotFound):
        store.fetch(NAME, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_replace_creates_and_replaces(store: ObjectStore) -> None:
    store.replace("dvr/demo/main.m3u8", b"one")
    store.replace("dvr/demo/main.m3u8", b"two, and longer")
    assert store.get("dvr/demo/main.m3u8") == b"two, and longer"
    store.replace("dvr/demo/main.m3u8", b"")
    assert store.get("dvr/demo/main.m3u8") == b""


def test_a_reader_sees_the_old_or_the_new_never_a_part(store: ObjectStore) -> None:
    texts = [b"a" * 200_000, b"b" * 300_000]
    store.replace("list", texts[0])
    done = threading.Event()

    def write() -> None:
        for i in itertools.count():
            store.replace("list", texts[i % 2])
            if done.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            assert store.get("list") in texts
            assert list(store.list("")) == ["list"], "no temporary is listed"
    finally:
        done.set()
        writer.join()


def test_what_is_not_there(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.get("nothing")
    assert store.size("nothing") is None
    assert list(store.list("no/such/")) == []
    store.delete("nothing")
    store.delete("no/such/thing")


def test_list_is_sorted_and_by_prefix(store: ObjectStore) -> None:
    for name in ("b/2", "b/10", "a/1", "b/sub/3", "bb/4"):
        store.replace(name, b"x")
    assert list(store.list("")) == ["a/1", "b/10", "b/2", "b/sub/3", "bb/4"]
    assert list(store.list("b/")) == ["b/10", "b/2", "b/sub/3"]
    assert list(store.list("b")) == ["b/10", "b/2", "b/sub/3", "bb/4"]
    for elsewhere in ("../", "/etc/", ".livedvr/", "b/../a"):
        with pytest.raises(InvalidArgument):
            list(store.list(elsewhere))


def test_delete(store: ObjectStore) -> None:
    store.replace("dvr/a/main.m3u8", b"x")
    store.replace("dvr/b/main.m3u8", b"x")
    store.delete("dvr/a/main.m3u8")
    store.delete("dvr/a/main.m3u8")
    assert list(store.list("")) == ["dvr/b/main.m3u8"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        "a/",
        ".",
        "a/./b",
        "a\\b",
        "a\0b",
        "a\nb",
        ".livedvr/catalog.sqlite3",
        "a\ud800",
    ],
)
def test_names_that_lead_elsewhere_are_refused_everywhere(store: ObjectStore, source: Path, name: str) -> None:
    for use in (
        lambda: store.put_new(name, source),
        lambda: store.copy_from(store, name),
        lambda: store.fetch(name, source.with_name("fetched")),
        lambda: store.replace(name, b""),
        lambda: store.get(name),
        lambda: store.size(name),
        lambda: store.delete(name),
        lambda: store.uri(name),
    ):
        with pytest.raises(InvalidArgument):
            use()
