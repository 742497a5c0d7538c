"""Which file systems hold a catalog and its locks: local ones. SQLite's WAL and flock fail on the others."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from livedvr.resources.errors import StorageError

_NETWORK = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|glusterfs|9p|fuse\.(sshfs|s3fs|gcsfuse|rclone|davfs.*)")


def file_system_type(path: PurePosixPath, mountinfo: str) -> str:
    """The type of the file system an absolute path is on, by the text of ``/proc/self/mountinfo`` (proc(5)).

    The longest mount point that leads to the path decides, and of equal ones the last: it covers the others.
    """
    best, found = -1, ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) < 5:
            continue
        # Blanks, tabs, newlines and backslashes are written as octal escapes.
        point = PurePosixPath(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split()[0]
    return found


def check_file_system(path: Path) -> None:
    """StorageError when an existing directory is on a network file system."""
    kind = file_system_type(PurePosixPath(path.resolve()), Path("/proc/self/mountinfo").read_text())
    if _NETWORK.fullmatch(kind):
        raise StorageError(
            f"this is a network file system ({kind})", field=str(path), hint="use a local disk: locks fail on others"
        )
