"""What a check has to say: findings, figures, one line of verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from livedvr.hls.rules import Finding, Level

_SHOWN = 3  # of the findings of one rule in one playlist: a day of segments can break the same rule 43,200 times


@dataclass(frozen=True, slots=True)
class PlaylistFigures:
    """What one media playlist has in it.

    Attributes:
        segments: how many it lists, or has listed while it was followed.
        duration: seconds, the sum of their EXTINF.
        peak, average: measured bits per second; None unless the segments were opened.
    """

    name: str
    segments: int
    duration: Fraction
    peak: int | None = None
    average: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one check.

    Attributes:
        target: what was checked, as the user named it.
        multivariants: number of multivariant playlists, 0 or 1.
        playlists: figures of each media playlist.
        findings: in the order of playlists and lines.
        deep: the segments were opened.
        reloads: how often the presentation was loaded again; None when it was not followed.
    """

    target: str
    multivariants: int
    playlists: tuple[PlaylistFigures, ...]
    findings: tuple[Finding, ...] = ()
    deep: bool = False
    reloads: int | None = None

    def count(self, level: Level) -> int:
        """How many findings there are of a level."""
        return sum(finding.level is level for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether no MUST is violated."""
        return not self.count(Level.MUST)

    @property
    def verdict(self) -> str:
        """One line, e.g. ``OK: 1 multivariant + 1 media playlist, 10 segments, 20.000 s, 0 violations, 0 warnings``."""
        playlists = _counted(len(self.playlists), "media playlist")
        if self.multivariants:
            playlists = f"{self.multivariants} multivariant + {playlists}"
        longest = max((figures.duration for figures in self.playlists), default=Fraction(0))
        parts = (
            playlists,
            _counted(sum(figures.segments for figures in self.playlists), "segment"),
            f"{float(longest):.3f} s",
            *([] if self.reloads is None else [_counted(self.reloads, "reload")]),
            _counted(self.count(Level.MUST), "violation"),
            _counted(self.count(Level.SHOULD), "warning"),
        )
        return f"{'OK' if self.ok else 'FAILED'}: {', '.join(parts)}"

    def to_text(self) -> str:
        """For people: a block for each finding, the verdict as the last line."""
        return "\n".join([*self._blocks(), self.verdict])

    def to_json(self) -> str:
        """For programs: one JSON object, on one line."""
        return json.dumps(self._as_dict(), ensure_ascii=False)

    def _blocks(self) -> Iterator[str]:
        def kind(finding: Finding) -> tuple[str, str]:
            return finding.playlist, finding.rule_id

        shown: Counter[tuple[str, str]] = Counter()
        for finding in self.findings:
            shown[kind(finding)] += 1
            if shown[kind(finding)] <= _SHOWN:
                yield (
                    f"{finding.level:6} {finding.rule_id} (RFC 8216bis {finding.section})\n"
                    f"       {printable(finding.where)}: {printable(finding.message)}\n"
                    f"       fix: {finding.fix}\n"
                )
        for (playlist, rule_id), count in shown.items():
            if count > _SHOWN:
                yield f"       and {count - _SHOWN} more of {rule_id} in {printable(playlist)}\n"

    def _as_dict(self) -> dict[str, Any]:
        return {
            "target": printable(self.target),
            "ok": self.ok,
            "verdict": self.verdict,
            "deep": self.deep,
            **({} if self.reloads is None else {"reloads": self.reloads}),
            "violations": self.count(Level.MUST),
            "warnings": self.count(Level.SHOULD),
            "notes": self.count(Level.NOTE),
            "playlists": [
                {
                    "name": printable(figures.name),
                    "segments": figures.segments,
                    "durationSeconds": float(figures.duration),
                    "peakBandwidth": figures.peak,
                    "averageBandwidth": figures.average,
                }
                for figures in self.playlists
            ],
            "findings": [
                {
                    "rule": finding.rule_id,
                    "level": str(finding.level),
                    "section": finding.section,
                    "playlist": printable(finding.playlist),
                    "line": finding.line,
                    "message": printable(finding.message),
                    "fix": finding.fix,
                }
                for finding in self.findings
            ],
        }


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Text from a playlist of a stranger, without what could steer a terminal or cannot be encoded."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
