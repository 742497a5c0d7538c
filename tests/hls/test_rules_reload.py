"""Each rule has pairs of versions that break it and pairs that do not, in reloads.py; and any playlist of ours grows
without a finding, whatever is done to a line of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import passage
from hls.broken_playlists import A, B
from hls.reloads import BROKEN, DATE, END, KEPT, dated, event, live
from hls.test_media_playlist import timeline_of, timelines, windows_over
from hls.test_rules import RULES, damaged
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Finding, Level
from livedvr.hls.rules_reload import CHECKS, Reload, check_first_load, check_reload
from livedvr.resources.layout import Container
from livedvr.resources.times import SECOND

RELOAD_RULES = {check.rule.id: check for check in CHECKS}
TIMED = {"playlist-stalled"}  # its examples are times, below


def reload(earlier: str, later: str, waited: float = 0, waited_before: float = 0) -> list[Finding]:
    times = round(waited * SECOND), round(waited_before * SECOND)
    return check_reload(Reload(parse_playlist(earlier, "v.m3u8"), parse_playlist(later, "v.m3u8"), *times))


def test_every_rule_has_its_examples() -> None:
    assert set(BROKEN) | TIMED == set(KEPT) | TIMED == set(RELOAD_RULES)
    assert RELOAD_RULES.keys().isdisjoint(RULES)
    assert all(check.rule.fix and check.rule.section[0].isdigit() and check.look.__doc__ for check in CHECKS)


@pytest.mark.parametrize(
    ("rule_id", "number"), [(rule, i) for rule, pairs in BROKEN.items() for i in range(len(pairs))]
)
def test_a_broken_rule_is_found_and_no_other_must(rule_id: str, number: int) -> None:
    earlier, later, line = BROKEN[rule_id][number]
    found = reload(earlier, later)
    assert [one.line for one in found if one.rule_id == rule_id] == [line]
    others = {one.rule_id for one in found if one.level is Level.MUST} - {rule_id}
    # Where a list has been emptied, or is another one, more than one rule is broken.
    assert others <= {"segment-vanished", "removed-too-early", "playlist-type-changed", "segment-changed"}, found


@pytest.mark.parametrize(("rule_id", "number"), [(rule, i) for rule, pairs in KEPT.items() for i in range(len(pairs))])
def test_what_is_allowed_is_not_found(rule_id: str, number: int) -> None:
    assert reload(*KEPT[rule_id][number]) == []


def test_a_finding_says_what_was_and_what_is() -> None:
    (line,) = reload(event(*A), event("#EXTINF:2.1,", "a.ts"))
    assert (line.rule_id, line.where) == ("event-rewritten", "v.m3u8:4")
    assert line.message == "it was '#EXTINF:2.0,' and is '#EXTINF:2.1,'"
    (segment,) = reload(live(5, *A, *B), live(5, "#EXTINF:2.1,", "x.ts", "#EXTINF:2.1,", "b.ts"))
    assert segment.message == (
        "segment 5: its URI was a.ts and is x.ts; EXTINF was 2.0, and is 2.1, (and 1 more segments changed)"
    )


@pytest.mark.parametrize(
    ("waited", "waited_before", "found"),
    [(3.0, 2.9, False), (3.1, 2.1, True), (4.1, 3.1, False), (3.1, 3.0, True), (0, 9, False)],
)
def test_a_playlist_that_stalls_is_found_once(waited: float, waited_before: float, found: bool) -> None:
    rules = [one.rule_id for one in reload(event(*A), event(*A), waited, waited_before)]
    assert rules == (["playlist-stalled"] if found else [])
    assert reload(event(*A, END), event(*A, END), waited, waited_before) == []


def test_the_first_load_shows_its_dates() -> None:
    inexact = event(DATE, *A, dated("02.003"), *B)
    assert [one.rule_id for one in check_first_load(parse_playlist(inexact, "v"))] == ["date-inexact"]
    assert check_first_load(parse_playlist(event(DATE, *A, dated("02.002"), *B), "v")) == []
    assert reload(inexact, inexact) == []
    assert reload(inexact, inexact + "#EXTINF:2.0,\nc.ts\n") == []


@st.composite
def versions(draw: st.DrawFn) -> list[str]:
    """Every version of an EVENT playlist of ours from its header alone to its seal."""
    segments = draw(timelines())
    playlist = MediaPlaylist("av", draw(st.sampled_from(list[Container](["fmp4", "ts"]))), 6)
    made = [playlist.render()]
    for item in timeline_of(segments).listing("av", draw(windows_over(segments))):
        playlist.append(passage(item.segment, discontinuity=item.discontinuity))
        made.append(playlist.render())
    playlist.seal()
    return [text.decode() for text in (*made, playlist.render())]


@pytest.mark.semantics("P1", "P2", "P5", "C3")
@settings(max_examples=100, deadline=None)
@given(versions(), st.data())
def test_a_playlist_of_ours_grows_without_a_finding(made: list[str], data: st.DataObject) -> None:
    seen = sorted(data.draw(st.lists(st.integers(0, len(made) - 1), min_size=2)))  # a player sees some of the versions
    for earlier, later in pairwise(seen):
        assert reload(made[earlier], made[later]) == []
    assert check_first_load(parse_playlist(made[-1], "v")) == []


@settings(max_examples=300, deadline=None)
@given(versions(), st.data())
def test_whatever_is_done_to_a_published_line_is_a_must(made: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(made) - 1))
    lines = made[data.draw(st.integers(first, len(made) - 1))].splitlines()
    index = data.draw(st.integers(0, made[first].count("\n") - 1))
    line = lines[index]
    at, letter = data.draw(st.integers(0, len(line))), data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    mutation = [line[:at] + letter + line[at:]], [line[:at] + letter + line[at + 1 :]], [line[:at]], [], [line, "#x"]
    lines[index : index + 1] = data.draw(st.sampled_from(mutation))
    mutated = "\n".join([*lines, ""])
    assume(not mutated.startswith(made[first]))  # nothing was done, or something was appended
    found = reload(made[first], mutated)
    assert any(one.level is Level.MUST for one in found), (made[first], mutated)


@given(st.text() | damaged(), st.text() | damaged())
def test_any_two_texts_can_be_compared(earlier: str, later: str) -> None:
    for one in reload(earlier, later, 9, 0):
        assert one.line is None or 1 <= one.line <= later.count("\n") + 1
