from __future__ import annotations

import json
from fractions import Fraction

from livedvr.check.report import PlaylistFigures, Report
from livedvr.hls.rules import Finding, Level

FIGURES = (PlaylistFigures("v.m3u8", 10, Fraction(20)), PlaylistFigures("a.m3u8", 9, Fraction(39, 2)))


def finding(level: Level, line: int | None = 7, message: str = "it is so") -> Finding:
    return Finding(f"rule-{level.lower()}", level, "4.4.3.1", "v.m3u8", line, message, "do this")


def test_the_verdict_counts() -> None:
    assert (
        Report("x", 0, FIGURES[:1]).verdict == "OK: 1 media playlist, 10 segments, 20.000 s, 0 violations, 0 warnings"
    )
    findings = (finding(Level.MUST), finding(Level.SHOULD), finding(Level.SHOULD), finding(Level.NOTE))
    report = Report("x", 1, FIGURES, findings)
    assert report.verdict == (
        "FAILED: 1 multivariant + 2 media playlists, 19 segments, 20.000 s, 1 violation, 2 warnings"
    )


def test_only_a_must_fails() -> None:
    assert Report("x", 0, FIGURES, (finding(Level.SHOULD), finding(Level.NOTE))).ok
    assert not Report("x", 0, FIGURES, (finding(Level.MUST),)).ok


def test_text_has_a_block_a_finding_and_ends_with_the_verdict() -> None:
    report = Report("x", 0, FIGURES, (finding(Level.MUST), finding(Level.SHOULD, line=None)))
    assert report.to_text().split("\n") == [
        "MUST   rule-must (RFC 8216bis 4.4.3.1)",
        "       v.m3u8:7: it is so",
        "       fix: do this",
        "",
        "SHOULD rule-should (RFC 8216bis 4.4.3.1)",
        "       v.m3u8: it is so",
        "       fix: do this",
        "",
        report.verdict,
    ]


def test_text_does_not_repeat_a_rule_for_ever() -> None:
    report = Report("x", 0, FIGURES, tuple(finding(Level.MUST, line) for line in range(1, 1001)))
    text = report.to_text()
    assert text.count("fix:") == 3
    assert "and 997 more of rule-must in v.m3u8" in text
    assert "1000 violations" in report.verdict


def test_json_has_it_all() -> None:
    figures = (PlaylistFigures("v.m3u8", 10, Fraction(20), peak=2_000_000, average=1_500_000),)
    report = Report("x", 1, figures, (finding(Level.MUST),), deep=True)
    assert json.loads(report.to_json()) == {
        "target": "x",
        "ok": False,
        "verdict": report.verdict,
        "deep": True,
        "violations": 1,
        "warnings": 0,
        "notes": 0,
        "playlists": [
            {
                "name": "v.m3u8",
                "segments": 10,
                "durationSeconds": 20.0,
                "peakBandwidth": 2_000_000,
                "averageBandwidth": 1_500_000,
            }
        ],
        "findings": [
            {
                "rule": "rule-must",
                "level": "MUST",
                "section": "4.4.3.1",
                "playlist": "v.m3u8",
                "line": 7,
                "message": "it is so",
                "fix": "do this",
            }
        ],
    }


def test_a_stranger_s_text_cannot_steer_the_terminal() -> None:
    report = Report("x", 0, FIGURES, (finding(Level.MUST, message="a\x1b[2Jb\udce9\u202ec"),))
    assert "a\ufffd[2Jb\ufffd\ufffdc" in report.to_text()
    report.to_json().encode()


def test_a_report_of_following_says_how_often_it_was_loaded_again() -> None:
    report = Report("x", 0, FIGURES[:1], reloads=1)
    assert report.verdict == "OK: 1 media playlist, 10 segments, 20.000 s, 1 reload, 0 violations, 0 warnings"
    assert json.loads(report.to_json())["reloads"] == 1
