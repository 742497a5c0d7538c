"""What only the local store promises: durability, nothing copied, clear words when the disk refuses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from livedvr.resources.errors import StorageError
from livedvr.storage import local
from livedvr.storage.local import LocalStore, check_local_root


def test_an_object_is_the_spooled_file_itself(tmp_path: Path) -> None:
    source = tmp_path / "spooled"
    source.write_bytes(b"media")
    (tmp_path / "root").mkdir()
    LocalStore(tmp_path / "root").put_new("av/run/0", source)
    assert (tmp_path / "root/av/run/0").stat().st_ino == source.stat().st_ino


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_a_copy_is_a_link_and_where_there_can_be_none_the_kernel_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    for name in ("one", "linked", "copied"):
        (tmp_path / name).mkdir()
    one, linked, copied = (LocalStore(tmp_path / name) for name in ("one", "linked", "copied"))
    one.replace("av/run/0", b"media")
    linked.copy_from(one, "av/run/0")
    assert (tmp_path / "linked/av/run/0").samefile(tmp_path / "one/av/run/0")

    real = os.link

    def link(source: Path, target: Path) -> None:
        if source.is_relative_to(tmp_path / "one"):
            raise OSError(number, os.strerror(number))
        real(source, target)

    monkeypatch.setattr(local.os, "link", link)
    copied.copy_from(one, "av/run/0")
    assert (tmp_path / "copied/av/run/0").read_bytes() == b"media"
    assert [path.name for path in (tmp_path / "copied/av/run").iterdir()] == ["0"], "no litter"


def test_everything_is_synced_before_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name.split(".")[0])
        real(descriptor)

    monkeypatch.setattr(local.os, "fsync", fsync)
    source = tmp_path / "spooled"
    source.write_bytes(b"media")
    root = tmp_path / "root"
    root.mkdir()
    LocalStore(root).put_new("av/run/0", source)
    assert synced == ["spooled", "root", "av", "run"], "the file, then each new folder, then the object's own"


def test_a_replacement_that_fails_leaves_the_old_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    store.replace("list", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local.os, "fsync", full)
    with pytest.raises(StorageError, match="disk full"):
        store.replace("list", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["list"]
    assert store.get("list") == b"old"


def test_folders_that_become_empty_go_but_never_the_root(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace("dvr/a/av/index-1.m3u8", b"x")
    store.replace("dvr/b/main.m3u8", b"x")
    store.delete("dvr/a/av/index-1.m3u8")
    assert not (tmp_path / "dvr/a").exists() and (tmp_path / "dvr/b").exists()
    store.delete("dvr/b/main.m3u8")
    assert list(tmp_path.iterdir()) == []


def test_the_root_is_made_and_proven(tmp_path: Path) -> None:
    check_local_root(tmp_path / "new/deep")
    assert list((tmp_path / "new/deep").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="in the way of a directory"):
        check_local_root(tmp_path / "file/below")


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("step", ["link", "rename", "fsync"])
def test_what_a_killed_proof_left_goes_with_the_next_one(tmp_path: Path, step: str) -> None:
    dying = "import os, sys; from pathlib import Path; from livedvr.storage.local import check_local_root;"
    owner = "Path" if step == "rename" else "os"
    dying += f"{owner}.{step} = lambda *_: os._exit(9); check_local_root(Path(sys.argv[1]))"
    assert subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False).returncode == 9
    assert list(tmp_path.iterdir()) != []
    check_local_root(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_root_is_proven_by_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check_local_root, [tmp_path] * 200))
    assert list(tmp_path.iterdir()) == []


def test_a_root_without_hard_links_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(local.os, "link", no_links)
    with pytest.raises(StorageError, match="without hard links"):
        check_local_root(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_gone_is_an_error_and_is_not_made_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "unmounted")
    (tmp_path / "spooled").write_bytes(b"media")
    with pytest.raises(StorageError):
        store.put_new("av/run/0", tmp_path / "spooled")
    with pytest.raises(StorageError):
        store.replace("list", b"x")
    assert not (tmp_path / "unmounted").exists()


def test_what_a_killed_writer_left_goes_with_the_object(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace("dvr/a/main.m3u8", b"x")
    (tmp_path / "dvr/a/.main.m3u8.tmp").write_bytes(b"torn")
    assert list(store.list("")) == ["dvr/a/main.m3u8"]
    store.delete("dvr/a/main.m3u8")
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_the_data_dir_is_no_object(tmp_path: Path) -> None:
    (tmp_path / ".livedvr").mkdir()
    (tmp_path / ".livedvr/catalog.sqlite3").write_bytes(b"x")
    assert list(LocalStore(tmp_path).list("")) == []
