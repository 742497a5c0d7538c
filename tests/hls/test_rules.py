"""Each rule has a playlist that breaks it, in broken_playlists.py: it is found, and no other MUST is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hls.broken_playlists import BROKEN, VALID
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import (
    MEDIA_CHECKS,
    MULTIVARIANT_CHECKS,
    Finding,
    Level,
    check_media_playlist,
    check_multivariant,
    check_playlist,
)

RULES = {check.rule.id: check.rule for check in (*MEDIA_CHECKS, *MULTIVARIANT_CHECKS)}


def findings_of(text: str) -> list[Finding]:
    return check_playlist(parse_playlist(text, "a.m3u8"))


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert set(BROKEN) == set(RULES)


def test_ids_are_unique_and_rules_complete() -> None:
    checks = {id(check): check for check in (*MEDIA_CHECKS, *MULTIVARIANT_CHECKS)}.values()
    assert len({check.rule.id for check in checks}) == len(checks)
    assert all(check.rule.fix and check.rule.section[0].isdigit() and check.look.__doc__ for check in checks)


@pytest.mark.parametrize("rule_id", BROKEN)
def test_a_broken_rule_is_found(rule_id: str) -> None:
    text, lines = BROKEN[rule_id]
    found = findings_of(text)
    assert [finding.line for finding in found if finding.rule_id == rule_id] == lines


@pytest.mark.parametrize("rule_id", BROKEN)
def test_nothing_else_is_broken(rule_id: str) -> None:
    found = {finding.rule_id for finding in findings_of(BROKEN[rule_id][0]) if finding.level is Level.MUST}
    assert found <= {rule_id}


@pytest.mark.parametrize("name", VALID)
def test_valid_playlists_break_nothing(name: str) -> None:
    assert [finding for finding in findings_of(VALID[name]) if finding.level is not Level.NOTE] == []


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("line_end", ["\r\n", "\n\n"])
def test_line_ends_do_not_matter(name: str, line_end: str) -> None:
    ends = VALID[name].replace("\n", line_end)
    assert [finding for finding in findings_of(ends) if finding.level is not Level.NOTE] == []


def test_a_finding_says_where_and_what() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXTINF:3,\nb.ts\n#EXT-X-ENDLIST\n"
    (finding,) = [found for found in check_media_playlist(text, "v/index.m3u8") if found.level is Level.MUST]
    assert finding.rule_id == "targetduration-exceeded"
    assert finding.section == "4.4.3.1"
    assert finding.where == "v/index.m3u8:6"
    assert finding.message == "segment 1 (b.ts) is 3 s, rounded 3, and the target duration is 2"


@pytest.mark.parametrize(("extinf", "broken"), [("6.499999", False), ("6.5", True), ("6.4999999999", False)])
def test_halves_are_rounded_up(extinf: str, broken: bool) -> None:
    text = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:{extinf},\na.ts\n#EXT-X-ENDLIST\n"
    assert bool([found for found in check_media_playlist(text) if found.level is Level.MUST]) is broken


VERSIONS = [
    ("#EXTINF:2.0,\na.ts", 3),
    ("#EXT-X-BYTERANGE:10@0\n#EXTINF:2,\na.ts", 4),
    ('#EXT-X-MAP:URI="i"\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2,\na.ts', 5),
    ('#EXT-X-MAP:URI="i"\n#EXTINF:2,\na.ts', 6),
    ('#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1\n#EXTINF:2,\na.ts', 2),
    ('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:2,\na.ts', 5),
    ('#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="identity"\n#EXTINF:2,\na.ts', 5),
    ('#EXT-X-DEFINE:NAME="a",VALUE="b"\n#EXTINF:2,\na.ts', 8),
    ("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:2,\na.ts", 9),
    (
        "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES\n"
        '#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=""\n#EXTINF:2,\na.ts',
        10,
    ),
    ('#EXT-X-DEFINE:QUERYPARAM="a"\n#EXTINF:2,\na.ts', 11),
    ("#EXTINF:2,\na.ts", 1),
]


@pytest.mark.parametrize(("body", "version"), VERSIONS)
def test_media_playlist_versions(body: str, version: int) -> None:
    def found(declared: int) -> set[str]:
        text = f"#EXTM3U\n#EXT-X-VERSION:{declared}\n#EXT-X-TARGETDURATION:2\n{body}\n"
        return {finding.rule_id for finding in check_media_playlist(text) if finding.rule_id.startswith("version")}

    assert found(version) == set()
    assert found(version - 1) == ({"version-too-low"} if version > 1 else set())
    if "SKIP" not in body:
        assert found(version + 1) == {"version-too-high"}


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        ('#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="c",INSTREAM-ID="SERVICE1"', 7),
        ('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="c",NAME="c",CHANNELS="2",INSTREAM-ID="x"', 13),
        ('#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-VIDEO-LAYOUT="CH-STEREO"\nb.m3u8', 12),
    ],
)
def test_multivariant_versions(tags: str, version: int) -> None:
    def found(declared: int) -> set[str]:
        text = f'#EXTM3U\n#EXT-X-VERSION:{declared}\n{tags}\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.2"\na.m3u8\n'
        return {finding.rule_id for finding in check_multivariant(text) if finding.rule_id.startswith("version")}

    assert (found(version - 1), found(version), found(version + 1)) == (
        {"version-too-low"},
        set(),
        {"version-too-high"},
    )


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A playlist of ours with a few characters changed."""
    text = draw(st.sampled_from([text for text, _ in BROKEN.values()]))
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.text(max_size=3)) + text[at + draw(st.integers(0, 20)) :]


@given(st.text() | damaged())
def test_any_text_can_be_checked(text: str) -> None:
    for finding in (*check_media_playlist(text), *check_multivariant(text)):
        assert finding.line is None or 1 <= finding.line <= text.count("\n") + 1
