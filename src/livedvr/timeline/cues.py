"""Texts on a run's media timeline, and what of them a segment shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """A text that is shown in [start, end), microseconds of media time. ``settings``: where, in WebVTT's words."""

    start: int
    end: int
    text: str
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """The cues of one segment, and those that later ones may show."""

    shown: tuple[Cue, ...]
    left: tuple[Cue, ...]


def cut(known: Sequence[Cue], new: Sequence[Cue], start: int, end: int) -> Cut:
    """What the segment [start, end) shows: each cue that meets it, whole, for its times are its own (8216bis 3.1.4).

    A ``new`` cue, one that has come since the segment before was cut, may be over already: then it stands in this
    segment, for its own is published and does not change.
    """
    cues = sorted([*known, *new], key=lambda cue: (cue.start, cue.end))
    late = {cue for cue in new if cue.end <= start}
    shown = (cue for cue in cues if cue in late or (cue.start < end and cue.end > start))
    return Cut(tuple(dict.fromkeys(shown)), tuple(cue for cue in cues if cue.end > end))
