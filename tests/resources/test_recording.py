"""What a recording may be asked for: names of files, and how HLS is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import at
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.file_names import check_stem, filled, stamp
from livedvr.resources.recording import HlsOptions, RecordingSpec

KNOWN = frozenset({"begin", "index", "track"})


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("take", "take"),
        ("rooms/{track}_{index}", "rooms/av_7"),
        ("{index:03d}", "007"),
        ("1400_ab+c-.__UserId_e_main_{track}", "1400_ab+c-.__UserId_e_main_av"),
        ("{begin}-{index:02d}", None),
    ],
)
def test_placeholders_are_filled(pattern: str, name: str | None) -> None:
    RecordingSpec(file_stem=pattern)
    assert filled(pattern, {"index": 7, "track": "av", "begin": None}) == name


def test_a_time_in_a_name_has_seventeen_digits() -> None:
    assert stamp(at(0) + 7_499) == stamp(at(0))[:-1] + "7"
    assert len(stamp(at(0))) == len("yyyymmddHHMMSSmmm")


@pytest.mark.parametrize(
    ("spec", "field", "says"),
    [
        ({"file_stem": "../up"}, "file_stem", "begins with a dot"),
        ({"file_stem": "/etc/x"}, "file_stem", "not empty"),
        ({"file_stem": "a//b"}, "file_stem", "not empty"),
        ({"file_stem": "a/"}, "file_stem", "not empty"),
        ({"file_stem": "a\nb"}, "file_stem", "control character"),
        ({"file_stem": "a\\b"}, "file_stem", "backslash"),
        ({"file_stem": "ä" * 101}, "file_stem", "more than 200 bytes"),
        ({"file_stem": "{when}"}, "file_stem", r"no placeholder '\{when\}': \{begin\}, \{index\}, \{track\}"),
        ({"file_stem": "{begin_ms}"}, "file_stem", "no placeholder"),
        ({"file_stem": "{index!r}"}, "file_stem", "braces are for placeholders"),
        ({"file_stem": "{0.__class__}"}, "file_stem", "braces are for placeholders"),
        ({"track_names": ("a", "a", "v")}, "track_names", "none of them twice"),
        ({"track_names": ("a/b", "a", "v")}, "track_names", "without '/'"),
        ({"track_names": ("{begin}", "a", "v")}, "track_names", "no placeholder"),
        ({"tracks": "BOTH"}, "tracks", "AV"),
        ({"max_file_duration": 0.9}, "max_file_duration", "greater than or equal to 1"),
        ({"hls": {"segment_seconds": 0}}, "segment_seconds", "greater than or equal to 1"),
    ],
)
def test_what_a_spec_may_not_ask_of_its_files(spec: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as told:
        RecordingSpec(**spec)
    assert told.value.field == field


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"segment_stem": "segment"}, "told apart"),
        ({"segment_stem": "{track}"}, "told apart"),
        ({"segment_stem": "ts/{index}"}, "beside their playlist"),
        ({"segment_stem": "..{index}"}, "begins with a dot"),
        ({"header": ("EXT",)}, "begins with '#'"),
        ({"header": ("#a\n#EXT-X-ENDLIST",)}, "one line"),
        ({"header": ("#EXT-X-ENDLIST",)}, "is written by us"),
        ({"header": ("#EXTINF:1,",)}, "is written by us"),
        ({"header": ("#A:{size}",)}, "no placeholder"),
    ],
)
def test_what_hls_may_not_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        HlsOptions(**options)


def test_lines_for_the_head_have_more_placeholders() -> None:
    lines = ("#EXT-X-TRTC-START-REC-TIME:{begin_ms}", "#EXT-X-DISCONTINUITY-KIND:1", "#S:{width}x{height}")
    assert HlsOptions(container="ts", segment_stem="room_{begin}", header=lines).header == lines


@given(st.text(alphabet="ab./\\{}:0d!\x00 index", max_size=30))
def test_a_stem_that_is_taken_stays_below_its_folder(stem: str) -> None:
    try:
        check_stem(stem, KNOWN)
    except ValueError:
        return
    name = filled(stem, {"begin": "20261121140000123", "index": 1, "track": "av"})
    assert name is not None and "{" not in name and "\0" not in name
    assert all(part and not part.startswith(".") for part in name.split("/"))
