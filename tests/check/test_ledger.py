from __future__ import annotations

from hls.broken_playlists import A, B, C
from hls.reloads import live
from livedvr.check.ledger import Ledger
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Finding, check_playlist

BAD = ("#EXTINF:2.0", "bad.ts")  # extinf-comma


def after(*texts: str) -> list[tuple[str, int | None]]:
    """What a ledger holds after these versions of one playlist."""
    ledger = Ledger()
    for text in texts:
        playlist = parse_playlist(text, "v.m3u8")
        ledger.add(check_playlist(playlist), {"v.m3u8": playlist})
    return [(one.rule_id, one.line) for one in ledger.findings if one.rule_id != "version-too-low"]


def test_a_segment_that_moves_up_is_told_once() -> None:
    assert after(live(5, *A, *BAD, *B, *C), live(6, *BAD, *B, *C), live(7, *B, *C, *A)) == [("extinf-comma", 7)]


def test_the_same_fault_in_another_segment_is_told_too() -> None:
    assert after(live(5, *BAD, *A, *B), live(6, *A, *B, *BAD)) == [("extinf-comma", 5), ("extinf-comma", 9)]


def test_the_same_fault_twice_in_one_version_is_told_twice() -> None:
    assert after(live(5, *BAD, *BAD, *A)) == [("extinf-comma", 5), ("extinf-comma", 7)]


def test_what_is_about_the_whole_playlist_is_told_once_whatever_its_numbers() -> None:
    shorter = live(6, *B, "#EXTINF:1.9,", "c.ts")
    assert after(live(5, *A, *B), shorter, live(7, *C)) == [("live-playlist-short", None)]


def test_what_is_in_the_head_is_told_once_though_segments_go_by() -> None:
    bad = live(5, *A, *B, *C, target=1), live(6, *B, *C, *A, target=1)
    heads = ["\n".join(["#EXTM3U", "#EXT-X-PLAYLIST-TYPE:LIVE", *text.splitlines()[1:]]) for text in bad]
    assert [rule for rule, _ in after(*heads)].count("tag-value") == 1


def test_lines_of_a_multivariant_playlist_are_told_apart() -> None:
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n"
    assert after(text, text) == [("codecs-absent", 2), ("codecs-absent", 4)]


def test_what_stands_after_the_last_segment_has_a_place() -> None:
    playlist = parse_playlist(live(5, *A, "#EXTINF:2.0"), "v.m3u8")
    ledger = Ledger()
    found = [one for one in check_playlist(playlist) if one.rule_id == "extinf-without-uri"]
    ledger.add(found, {"v.m3u8": playlist})
    ledger.add(found, {"v.m3u8": playlist})
    assert ledger.findings == found
    assert isinstance(found[0], Finding)
