from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from livedvr.resources.errors import StorageError
from livedvr.storage import filesystems
from livedvr.storage.filesystems import check_file_system, file_system_type

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /srv rw - nfs4 host:/export rw,vers=4.2
31 22 0:26 / /srv/fast rw - xfs /dev/sdb rw
32 22 0:27 / /mnt/my\040share rw - cifs //host/share rw
33 22 0:28 / /data rw - nfs host:/data rw
34 22 0:29 / /data rw - tmpfs tmpfs rw
garbage
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/x", "ext4"),
        ("/srv/video", "nfs4"),
        ("/srv/fast/video", "xfs"),
        ("/srvfast", "ext4"),
        ("/mnt/my share/a", "cifs"),
        ("/data/x", "tmpfs"),
    ],
)
def test_the_longest_and_last_mount_point_decides(path: str, kind: str) -> None:
    assert file_system_type(PurePosixPath(path), MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.gcsfuse", "9p"])
def test_network_file_systems_are_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "file_system_type", lambda *_: kind)
    with pytest.raises(StorageError, match=f"network file system \\({kind}\\)"):
        check_file_system(tmp_path)


def test_the_local_disk_is_accepted(tmp_path: Path) -> None:
    check_file_system(tmp_path)
