"""Objects as files below a directory."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import filecmp
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from livedvr.resources.errors import NotFound, ObjectConflict, StorageError
from livedvr.storage.base import ObjectStore, check_name, check_prefix
from livedvr.storage.filesystems import check_file_system

_HINTS = {
    errno.ENOSPC: "disk full: free some space",
    errno.EDQUOT: "the quota is used up: free some space",
    errno.EACCES: "not writable: check the permissions",
    errno.EPERM: "not permitted, or a file system without hard links",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a file is in the way of a directory",
    errno.EXDEV: "the spool has to lie on the output's file system",
}

# Why a file cannot get a further name: another file system, one without links, too many of them, somebody else's file.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}

# Want of something that others give back by themselves. A full disk is none of these: it ends the channel (R5).
_PASSING = {errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY, errno.ETIMEDOUT}


class LocalStore:
    """An `ObjectStore` in a directory. An object is durable when a method returns.

    `put_new` links the file instead of copying it: both names have to be on one file system, and the bytes pass
    through nobody's hands.
    """

    pause = 0
    threads = None

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_new(self, name: str, source: Path) -> None:
        """See `ObjectStore`. fsync of the file, link, fsync of the folder."""
        path = self._path(name)
        try:
            with source.open("rb") as file:
                os.fsync(file.fileno())
            with self._folder_of(path):
                _link_new(source, path)
        except OSError as error:
            raise _storage_error(path, error) from error

    def copy_from(self, source: ObjectStore, name: str) -> None:
        """See `ObjectStore`. A further link, for an object never changes; on another file system the kernel copies."""
        path = self._path(name)
        if source.size(name) is None:
            raise NotFound("there is no such object", field=source.uri(name))
        try:
            with self._folder_of(path):
                if not isinstance(source, LocalStore):
                    _bring_new(lambda temporary: source.fetch(name, temporary), path)
                    return
                original = source._path(name)
                try:
                    _link_new(original, path)
                except OSError as error:
                    if error.errno not in _NO_LINK:
                        raise
                    _bring_new(partial(shutil.copyfile, original), path)  # by sendfile(2)
        except OSError as error:
            raise _storage_error(path, error) from error

    def fetch(self, name: str, target: Path) -> None:
        """See `ObjectStore`."""
        path = self._path(name)
        try:
            try:
                os.link(path, target)
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                shutil.copyfile(path, target)
        except FileNotFoundError:
            raise NotFound("there is no such object", field=str(path)) from None
        except OSError as error:
            raise _storage_error(path, error) from error

    def replace(self, name: str, data: bytes) -> None:
        """See `ObjectStore`. A temporary beside it, fsync, rename, fsync of the folder."""
        path = self._path(name)
        try:
            with self._folder_of(path):
                temporary = _temporary(path)
                try:
                    with temporary.open("wb") as file:
                        file.write(data)
                        file.flush()
                        os.fsync(file.fileno())
                    temporary.rename(path)
                except OSError:
                    with contextlib.suppress(OSError):  # the first error is the one to tell
                        temporary.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise _storage_error(path, error) from error

    def get(self, name: str) -> bytes:
        """See `ObjectStore`."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound("there is no such object", field=str(path)) from None
        except OSError as error:
            raise _storage_error(path, error) from error

    def size(self, name: str) -> int | None:
        """See `ObjectStore`."""
        path = self._path(name)
        try:
            return path.stat().st_size if path.is_file() else None
        except OSError as error:
            raise _storage_error(path, error) from error

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        check_prefix(prefix)
        # Only the folder that the prefix names is walked, not the whole store.
        start = self._root / prefix.rpartition("/")[0]
        names = []
        for folder, folders, files in os.walk(start, onerror=_raise_unless_gone):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(folder).relative_to(self._root)
            names += [str(below / name) for name in files if not name.startswith(".")]
        return iter(sorted(name for name in names if name.startswith(prefix)))

    def delete(self, name: str) -> None:
        """See `ObjectStore`. Folders that become empty go too, never the root."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            _temporary(path).unlink(missing_ok=True)  # of a writer that was killed
            for folder in path.parents:
                if folder == self._root or not _remove_if_empty(folder):
                    _sync_folder(folder)
                    return
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _storage_error(path, error) from error

    def uri(self, name: str) -> str:
        """See `ObjectStore`. An absolute path."""
        return str(self._path(name))

    def close(self) -> None:
        """See `ObjectStore`."""

    def _path(self, name: str) -> Path:
        return self._root / check_name(name)

    @contextlib.contextmanager
    def _folder_of(self, path: Path) -> Iterator[None]:
        """The object's folder exists inside, and its entry is durable afterwards.

        The root itself is never made here: a disk that is not mounted is an error, not an empty store.
        """
        self._root.stat()
        _make_folder(path.parent)
        yield
        _sync_folder(path.parent)


def _link_new(source: Path, path: Path) -> None:
    """Fails where something stands: create-only, and atomic. The same bytes are success."""
    try:
        os.link(source, path)
    except FileExistsError:
        if not path.samefile(source) and not filecmp.cmp(source, path, shallow=False):
            raise ObjectConflict("other bytes stand under this name", field=str(path)) from None


def _bring_new(bring: Callable[[Path], object], path: Path) -> None:
    """What ``bring`` writes to a temporary gets its name when it is durable."""
    temporary = _temporary(path)
    try:
        temporary.unlink(missing_ok=True)  # of a writer that was killed
        bring(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        _link_new(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """One name per object: what a killed writer leaves is taken up by the next one, or goes with the object."""
    return path.with_name(f".{path.name}.tmp")


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise _storage_error(Path(error.filename), error) from error


def check_local_root(root: Path, *, make: bool = True) -> None:
    """Make the directory and prove that everything a store does works there; StorageError says what does not.

    Without ``make`` it has to be there.
    """
    try:
        if make:
            root.mkdir(parents=True, exist_ok=True)
        elif not root.is_dir():
            raise StorageError(
                "the channel's output is not there",
                field=str(root),
                hint="is it mounted? To delete a channel whose output is gone for good, make an empty one",
            )
        check_file_system(root)
        # One at a time, so that the names can be fixed: what a killed process left is taken up by the next one.
        with _locked(root):
            probe, linked = root / ".livedvr-probe", root / ".livedvr-probe.linked"
            try:
                linked.unlink(missing_ok=True)
                probe.write_bytes(b"livedvr")
                os.link(probe, linked)
                linked.rename(probe)
                _sync_folder(root)
            finally:
                for path in (probe, linked):
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise _storage_error(root, error) from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_private_root(root: Path) -> None:
    """As `check_local_root`, for a folder that holds keys: what is made here is its user's alone (0700)."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _storage_error(root, error) from error
    check_local_root(root)


def _make_folder(folder: Path) -> None:
    """Make the folder and those above it, each durable before something is put into it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{error.strerror or error}",
        field=str(path),
        hint=_HINTS.get(error.errno or 0),
        passing=error.errno in _PASSING,
    )
