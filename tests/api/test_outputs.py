from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.outputs import Outputs
from livedvr.resources.errors import InvalidArgument


def test_a_bucket_is_a_folder_of_the_output(tmp_path: Path) -> None:
    assert Outputs(str(tmp_path)).place("gs://bucket/news/", field="f") == str(tmp_path / "bucket" / "news")
    assert Outputs(str(tmp_path)).place("gs://bucket", field="f") == str(tmp_path / "bucket")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path_below_the_output_is_itself(tmp_path: Path, scheme: str) -> None:
    assert Outputs(str(tmp_path)).place(f"{scheme}{tmp_path}/news", field="f") == str(tmp_path / "news")


@pytest.mark.parametrize(
    "uri",
    [
        "gs://bucket/../../etc",
        "gs://bucket/a/../b",
        "gs://bucket/./b",
        "gs://bucket//b",
        "gs://bucket/a\\b",
        "gs://../b",
        "gs://",
        "gs://Bucket/b",
        "gs://bucket/.livedvr",
        "file:///etc/livedvr",
        "/etc/livedvr",
        "news",
        "http://bucket/news",
        "",
    ],
)
def test_what_is_not_below_the_output_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Outputs(str(tmp_path)).place(uri, field="channel.output.uri")
    assert refused.value.field == "channel.output.uri"


def test_the_output_itself_is_no_channels(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="not below"):
        Outputs(str(tmp_path)).place(str(tmp_path), field="f")


def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    root = tmp_path / "media"
    (root / "bucket").mkdir(parents=True)
    (root / "bucket" / "out").symlink_to(tmp_path)
    with pytest.raises(InvalidArgument, match="not below"):
        Outputs(str(root)).place("gs://bucket/out/news", field="f")


@pytest.mark.parametrize("encoded", ["%2e%2e", "%2E%2E/x", "a%00b"])
def test_encoded_ways_out_are_seen(tmp_path: Path, encoded: str) -> None:
    with pytest.raises(InvalidArgument):
        Outputs(str(tmp_path)).place(f"file://{tmp_path}/{encoded}", field="f")


def test_buckets_are_what_they_are() -> None:
    assert Outputs("gs://").place("gs://bucket/news/", field="f") == "gs://bucket/news"
    assert Outputs("gs://bucket/live").place("gs://bucket/live/news", field="f") == "gs://bucket/live/news"
    for uri in ("gs://bucket/liver", "gs://other/live/news", "/tmp/news", "gs://bucket/live"):
        with pytest.raises(InvalidArgument):
            Outputs("gs://bucket/live").place(uri, field="f")


@given(st.text())
def test_any_text_is_below_or_refused(uri: str) -> None:
    root = Path("/srv/media")
    try:
        placed = Outputs(str(root)).place(uri, field="f")
    except InvalidArgument:
        return
    assert root in Path(placed).resolve().parents
