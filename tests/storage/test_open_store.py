from __future__ import annotations

from pathlib import Path

import pytest

from livedvr.resources.errors import InvalidArgument
from livedvr.storage.open_store import local_root


@pytest.mark.parametrize(
    ("uri", "root"),
    [
        ("/srv/out", "/srv/out"),
        ("file:///srv/out", "/srv/out"),
        ("file://localhost/srv/my%20out", "/srv/my out"),
        ("out", str(Path.cwd() / "out")),
    ],
)
def test_paths_and_file_uris(uri: str, root: str) -> None:
    assert local_root(uri) == Path(root)


@pytest.mark.parametrize("uri", ["s3://bucket/x", "file://otherhost/srv", "http://x/y"])
def test_other_places_are_refused_by_name(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=uri.partition("://")[0]):
        local_root(uri)
