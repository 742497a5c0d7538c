from __future__ import annotations

import pytest

from hls.broken_playlists import DATE, A, B, C, media
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Rendition, check_renditions

CONTROL = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6"
LATER = "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:10.000Z"


def found(*texts: str, kinds: tuple[str, ...] = ("variant", "AUDIO")) -> list[tuple[str, str]]:
    """(rule, where) of renditions named a, b, ..."""
    renditions = [
        Rendition(parse_playlist(text, name), kind) for name, text, kind in zip("abc", texts, kinds, strict=False)
    ]
    return [(finding.rule_id, finding.where) for finding in check_renditions(renditions)]


def test_one_rendition_agrees_with_itself() -> None:
    assert found(media(*A)) == []


def test_equal_renditions_agree() -> None:
    text = media(CONTROL, "#EXT-X-PLAYLIST-TYPE:EVENT", DATE, *A, "#EXT-X-DISCONTINUITY", LATER, *B)
    assert found(text, text) == []


@pytest.mark.parametrize(
    ("rule_id", "one", "other", "where"),
    [
        ("targetduration-differs", media(*A), media(*A, target=3), "b:3"),
        ("playlist-type-differs", media("#EXT-X-PLAYLIST-TYPE:EVENT", *A), media(*A), "b"),
        ("playlist-type-differs", media(*A), media("#EXT-X-PLAYLIST-TYPE:VOD", *A), "b:4"),
        ("server-control-differs", media(CONTROL, *A), media(CONTROL + "2", *A), "b:4"),
        ("server-control-differs", media(CONTROL, *A), media(*A), "b"),
        ("dates-in-some", media(DATE, *A), media(*A), "b"),
        ("dates-in-some", media(*A), media(DATE, *A), "a"),
        ("endlist-in-some", media(*A), media(*A, ended=False), "b"),
        ("discontinuities-differ", media(*A, *B, *C), media(*A, "#EXT-X-DISCONTINUITY", *B, *C), "b"),
    ],
)
def test_what_must_be_equal(rule_id: str, one: str, other: str, where: str) -> None:
    assert found(one, other) == [(rule_id, where)]


def test_a_shifted_count_of_discontinuities_is_found() -> None:
    one = media("#EXT-X-DISCONTINUITY-SEQUENCE:0", *A, *B)
    other = media("#EXT-X-DISCONTINUITY-SEQUENCE:1", *A, *B)
    assert found(one, other) == [("discontinuities-differ", "b"), ("discontinuities-differ", "a")]


def test_up_to_a_target_duration_may_be_missing_at_an_edge() -> None:
    one = media(*A, *B, "#EXT-X-DISCONTINUITY", *C)
    assert found(one, media(*A, *B)) == []


def test_live_renditions_are_not_compared_where_they_slide() -> None:
    one = media("#EXT-X-MEDIA-SEQUENCE:9", "#EXT-X-DISCONTINUITY-SEQUENCE:1", *A, *B, *C, ended=False)
    other = media("#EXT-X-MEDIA-SEQUENCE:8", "#EXT-X-DISCONTINUITY-SEQUENCE:0", *A, *B, *C, ended=False)
    assert found(one, other) == []


@pytest.mark.parametrize(("second", "rules"), [("10.400", []), ("10.600", ["discontinuity-dates-differ"])])
def test_dates_at_a_discontinuity(second: str, rules: list[str]) -> None:
    one = media(DATE, *A, "#EXT-X-DISCONTINUITY", LATER, *B)
    date = f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:{second}Z"
    other = media(DATE, *A, "#EXT-X-DISCONTINUITY", date, *B)
    assert [rule_id for rule_id, _ in found(one, other)] == rules


@pytest.mark.parametrize(
    ("kind", "tags", "differs"),
    [
        ("SUBTITLES", ("#EXT-X-PLAYLIST-TYPE:VOD",), False),
        ("SUBTITLES", (), True),
        ("I-FRAME", ("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-I-FRAMES-ONLY"), False),
        ("AUDIO", ("#EXT-X-PLAYLIST-TYPE:VOD",), True),
    ],
)
def test_subtitles_and_i_frames_of_vod_may_have_a_target_of_their_own(
    kind: str, tags: tuple[str, ...], differs: bool
) -> None:
    rules = [rule_id for rule_id, _ in found(media(*tags, *A), media(*tags, *A, target=9), kinds=("variant", kind))]
    assert ("targetduration-differs" in rules) is differs


def test_i_frames_need_no_discontinuities_of_their_own() -> None:
    one = media(DATE, *A, *B, "#EXT-X-DISCONTINUITY", LATER, *B, *C)
    other = media("#EXT-X-I-FRAMES-ONLY", DATE, *A, *B, *C, *C)
    assert found(one, other, kinds=("variant", "I-FRAME")) == []
