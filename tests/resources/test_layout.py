from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import RUN
from livedvr.resources import layout
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.layout import Container, check_id, check_key


@pytest.mark.semantics("O2")
@pytest.mark.parametrize("value", ["a", "7", "a-b", "my-session", "a" * 63, "0--0"])
def test_an_id_is_taken(value: str) -> None:
    assert check_id(value, field="dvrSessionId") == value


@pytest.mark.semantics("O2")
@pytest.mark.parametrize(
    "value",
    ["", "-a", "a-", "-", "A", "a_b", "a.b", "a" * 64, "a b", "a\n", "ä", "../x", "a/b", "²", "a\x00"],
)
def test_what_is_no_id_is_refused_naming_the_field(value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_id(value, field="dvrSessionId")
    assert refused.value.field == "dvrSessionId"


@pytest.mark.semantics("O2")
@given(st.text(max_size=70))
def test_whatever_is_taken_obeys_the_request_rule(value: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    is_id = 1 <= len(value) <= 63 and set(value) <= allowed and value[0] != "-" and value[-1] != "-"
    try:
        check_id(value, field="x")
    except InvalidArgument:
        assert not is_id
    else:
        assert is_id


@pytest.mark.semantics("O1")
@pytest.mark.parametrize("value", ["a", "7", "mux_video", "es_audio", "HD-1080p_hi", "A" * 63, "0__0"])
def test_a_key_is_taken(value: str) -> None:
    assert check_key(value, field="key") == value


@pytest.mark.semantics("O1")
@pytest.mark.parametrize(
    "value",
    ["", "_a", "a_", "-a", "a-", "_", "a.b", "A" * 64, "a b", "a\n", "ä", "../x", "a/b", "²", "a\x00", "a%41"],
)
def test_what_is_no_key_is_refused_naming_the_field(value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_key(value, field="muxStreams.key")
    assert refused.value.field == "muxStreams.key"


@pytest.mark.semantics("O4")
@pytest.mark.parametrize(
    ("container", "index", "name"),
    [
        ("fmp4", 0, f"av/{RUN}/segment-000000.m4s"),
        ("fmp4", 43_199, f"av/{RUN}/segment-043199.m4s"),
        ("fmp4", 1_234_567, f"av/{RUN}/segment-1234567.m4s"),
        ("ts", 7, f"av/{RUN}/segment-000007.ts"),
    ],
)
def test_a_segment_is_named_by_its_mux_run_and_index(container: Container, index: int, name: str) -> None:
    assert layout.segment_name("av", RUN, index, container) == name
    assert name.startswith(layout.run_folder("av", RUN) + "/")


@pytest.mark.semantics("O4")
def test_an_init_segment_stands_beside_its_run_s_segments() -> None:
    assert layout.init_name("av", RUN) == f"av/{RUN}/init.mp4"


@pytest.mark.semantics("O3", "O6")
def test_a_session_s_manifests_are_below_its_own_folder() -> None:
    assert layout.multivariant_name("match", "main.m3u8") == "dvr/match/main.m3u8"
    assert layout.media_playlist_name("match", "av", 1) == "dvr/match/av/index-1.m3u8"
    assert layout.media_playlist_name("match", "av", 12) == "dvr/match/av/index-12.m3u8"


@pytest.mark.semantics("O3")
def test_a_relative_uri_in_a_session_s_media_playlist_leads_to_the_channel_s_own_segment() -> None:
    folders = layout.media_playlist_name("match", "av", 1).split("/")[:-1]
    ups = layout.UP_TO_OUTPUT.split("/")
    assert ups == [*[".."] * len(folders), ""]
