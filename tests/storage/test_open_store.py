from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livedvr.resources.errors import InvalidArgument
from livedvr.storage.open_store import Directory, InBucket, place_of


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
    place = place_of(uri)
    assert place.root == Path(root) and place.uri == root
    assert place.default_data_dir == place.private(Path("/data"), "live") == Path(root) / ".livedvr"
    assert place.object_uri("dvr/demo/main.m3u8") == f"{root}/dvr/demo/main.m3u8"


def test_one_directory_by_two_ways_is_one_place(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert place_of(str(tmp_path / "link")) == place_of(f"file://{tmp_path}") != place_of(str(tmp_path / "other"))
    assert hash(Directory(tmp_path / "link")) == hash(Directory(tmp_path))
    assert place_of(str(tmp_path)) != place_of("gs://media")


@pytest.mark.parametrize(
    ("uri", "bucket", "prefix"),
    [
        ("gs://media", "media", ""),
        ("gs://media/", "media", ""),
        ("gs://media/tv/news", "media", "tv/news"),
        ("gs://my.media_1/tv/", "my.media_1", "tv"),
        ("gs://media/Straße 1", "media", "Straße 1"),
    ],
)
def test_buckets(uri: str, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(uri)
    assert place == InBucket(bucket, prefix) and place.root is None
    assert place.object_uri("av/index-1.m3u8") == uri.rstrip("/") + "/av/index-1.m3u8"
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert place.default_data_dir == Path("/var/state/livedvr")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert place.default_data_dir == Path.home() / ".local/state/livedvr"
    assert place.private(Path("/data"), "live") == Path("/data/channels/live")


@pytest.mark.parametrize("uri", ["s3://bucket/x", "file://otherhost/srv", "http://x/y"])
def test_other_places_are_refused_by_name(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=uri.partition("://")[0]):
        place_of(uri)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("gs://", "'' is not a bucket's name"),
        ("gs://My-Bucket/x", "'My-Bucket' is not a bucket's name"),
        ("gs://media//x", "an empty part"),
        ("gs://media/../x", "starts with a dot"),
        ("gs://media/.well-known/x", "starts with a dot"),
        ("gs://media/a?b", "a '\\?' in the prefix"),
        ("gs://media/a#b", "a '#' in the prefix"),
        ("gs://media/a\nb", "control character"),
        ("gs://media/" + "x" * 701, "longer than 700 bytes"),
    ],
)
def test_odd_buckets_and_prefixes_are_refused_by_what_is_odd(uri: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^--output: .*{said}"):
        place_of(uri)


def test_who_has_no_bucket_does_not_import_its_client() -> None:
    look = (
        "import sys, livedvr.cli.record, livedvr.cli.session; from livedvr.storage.open_store import place_of;"
        "place_of('gs://media/tv'); print(sorted(name for name in sys.modules if name.startswith('google')))"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n", ran.stdout
