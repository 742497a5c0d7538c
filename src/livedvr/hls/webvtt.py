"""WebVTT, read and written: ffmpeg's, ours and other people's segments (RFC 8216bis 3.1.4). Pure text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from livedvr.timeline.cues import Cue

MPEG_CLOCK = 90_000
_ROLLOVER = 1 << 33  # MPEG-TS counts 33 bits
_MILLISECOND = 1_000
_TICKS = MPEG_CLOCK // 1_000  # in a millisecond

_TIME = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t]+(.*))?")
_MAP = re.compile(rf"X-TIMESTAMP-MAP=(?=.*MPEGTS:(\d+))(?=.*LOCAL:{_TIME})")
_STRAY_AMPERSAND = re.compile(r"&(?!(?:[A-Za-z]+|#\d+|#x[0-9A-Fa-f]+);)")


@dataclass(frozen=True, slots=True)
class WebVtt:
    """What a WebVTT file says. Times in microseconds.

    Attributes:
        offset: what is added to a cue's time to have the media's timestamp (X-TIMESTAMP-MAP); None without the tag.
        cues: in the file's own time.
        broken: lines with an arrow that is no timing.
    """

    offset: int | None
    cues: tuple[Cue, ...]
    broken: tuple[str, ...]


def parse_webvtt(text: str) -> WebVtt:
    """Read a whole file; ValueError when it has no WebVTT header."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise ValueError("it does not begin with WEBVTT")
    head, _, body = "\n".join(lines[1:]).partition("\n\n")
    found = _MAP.search(head)
    cues = parse_cues(head + "\n\n" + body)  # a cue may follow the header without an empty line
    broken = tuple(line for line in lines if "-->" in line and not _TIMING.fullmatch(line))
    return WebVtt(_offset(found) if found else None, tuple(cues), broken)


def _offset(found: re.Match[str]) -> int:
    ticks, *local = found.groups()
    return round(Fraction(int(ticks) * 1_000_000, MPEG_CLOCK)) - _micros(local)


def parse_cues(text: str) -> list[Cue]:
    """The cues among the blocks of a file's body; other blocks, and cues of no duration, are passed over."""
    cues = []
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").strip("\n")):
        lines = block.split("\n")
        at = next((index for index, line in enumerate(lines) if "-->" in line), None)
        timing = None if at is None else _TIMING.fullmatch(lines[at])
        if at is None or timing is None:
            continue
        times, said = timing.groups()[:8], "\n".join(lines[at + 1 :]).strip()
        start, end = _micros(times[:4]), _micros(times[4:])
        if said and start < end:
            # ffmpeg does not escape what a subtitle's text has.
            cues.append(Cue(start, end, _STRAY_AMPERSAND.sub("&amp;", said), (timing[9] or "").strip()))
    return cues


def _micros(parts: Iterable[str | None]) -> int:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + thousandths * _MILLISECOND


def render_webvtt(cues: Iterable[Cue], start: int) -> bytes:
    """A segment as UTF-8; without a cue it is as good (3.1.4).

    Args:
        cues: what it shows, on the timeline of the media's timestamps, microseconds.
        start: the timestamp at which it starts.
    """
    blocks = [f"WEBVTT\n{timestamp_map(start)}\n"]
    for cue in cues:
        settings = f" {cue.settings}" if cue.settings else ""
        blocks.append(f"{_time(cue.start)} --> {_time(cue.end)}{settings}\n{cue.text}\n")
    return "\n".join(blocks).encode()


def timestamp_map(start: int) -> str:
    """X-TIMESTAMP-MAP for a segment that starts at that timestamp (microseconds, counted on for ever).

    Cues have the media's own timestamps, so that who ignores the map shows them right, too. Only when 33 bits of 90 kHz
    have counted round (26.5 h) it names the new, low timestamps, as 3.1.4 asks.

    MPEGTS is never 0: hls.js (1.7) then takes cues behind a discontinuity for counted from its place in the playlist,
    if it has not yet loaded the pictures there. With any other value it waits for these, and places cues as them.
    """
    first_tick = start * MPEG_CLOCK // 1_000_000 // _ROLLOVER * _ROLLOVER
    millis = first_tick // _TICKS + 1  # whole ones, so that both sides are exact
    return f"X-TIMESTAMP-MAP=MPEGTS:{millis * _TICKS - first_tick},LOCAL:{_time(millis * _MILLISECOND)}"


def _time(micros: int) -> str:
    millis = max(0, micros) // _MILLISECOND
    return f"{millis // 3_600_000:02d}:{millis // 60_000 % 60:02d}:{millis // 1000 % 60:02d}.{millis % 1000:03d}"
