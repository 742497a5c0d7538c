"""Rules that all renditions of a presentation keep together (RFC 8216bis 6.2.4).

The media playlists of a live presentation are fetched one after the other and may differ by what came in between;
nothing here takes that for an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from livedvr.hls.parsed import MICROSECONDS, Playlist
from livedvr.hls.rules_model import Finding, Level, Rule

# Renditions cut at their own frames: dates at the same discontinuity may differ by less than a segment. Half a second
# is what viewers notice.
DATE_LIMIT = MICROSECONDS // 2

TARGETDURATION_DIFFERS = Rule(
    "targetduration-differs", Level.MUST, "6.2.4", "declare one EXT-X-TARGETDURATION, the largest, in all renditions"
)
PLAYLIST_TYPE_DIFFERS = Rule(
    "playlist-type-differs", Level.MUST, "6.2.4", "write the same EXT-X-PLAYLIST-TYPE in all renditions, or in none"
)
SERVER_CONTROL_DIFFERS = Rule(
    "server-control-differs", Level.MUST, "6.2.4", "write the same EXT-X-SERVER-CONTROL in all renditions, or in none"
)
DATES_IN_SOME = Rule(
    "dates-in-some", Level.MUST, "6.2.4", "write EXT-X-PROGRAM-DATE-TIME in all renditions, or in none"
)
ENDLIST_IN_SOME = Rule("endlist-in-some", Level.NOTE, "6.2.1", "end all renditions together")
DISCONTINUITIES_DIFFER = Rule(
    "discontinuities-differ", Level.MUST, "6.2.4", "let all renditions have the same discontinuities, counted alike"
)
DISCONTINUITY_DATES_DIFFER = Rule(
    "discontinuity-dates-differ",
    Level.SHOULD,
    "6.2.4",
    "give matching discontinuities the same number and the same date in all renditions",
)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One media playlist of a presentation.

    Attributes:
        kind: ``variant`` (of EXT-X-STREAM-INF), ``I-FRAME``, or the TYPE of its EXT-X-MEDIA: ``AUDIO``, ``VIDEO``,
            ``SUBTITLES``.
    """

    playlist: Playlist
    kind: str

    @property
    def is_i_frames(self) -> bool:
        """Whether it lists I-frames only."""
        return "EXT-X-I-FRAMES-ONLY" in self.playlist.tags


def check_renditions(renditions: Sequence[Rendition]) -> list[Finding]:
    """Hold the media playlists of one presentation against each other; the first is the one to agree with."""
    if len(renditions) < 2:
        return []
    return [finding for look in _LOOKS for finding in look(renditions)]


def _target_durations(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    """All target durations are equal, except of subtitles and I-frames that are VOD."""
    bound = [r for r in renditions if not (r.playlist.type == "VOD" and (r.kind == "SUBTITLES" or r.is_i_frames))]
    yield from _differences(bound, TARGETDURATION_DIFFERS, lambda playlist: playlist.target, "EXT-X-TARGETDURATION")


def _playlist_types(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    yield from _differences(renditions, PLAYLIST_TYPE_DIFFERS, lambda playlist: playlist.type, "EXT-X-PLAYLIST-TYPE")


def _server_controls(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    def control(playlist: Playlist) -> object:
        tag = playlist.first("EXT-X-SERVER-CONTROL")
        return ",".join(sorted(f"{name}={value}" for name, value in tag.attributes.items())) if tag else None

    yield from _differences(renditions, SERVER_CONTROL_DIFFERS, control, "EXT-X-SERVER-CONTROL")


def _dates(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    """All have dates, or none."""
    with_dates = [r for r in renditions if r.playlist.all("EXT-X-PROGRAM-DATE-TIME")]
    for rendition in renditions if with_dates else ():
        if rendition not in with_dates and rendition.playlist.segments:
            yield DATES_IN_SOME.at(
                rendition.playlist.name, None, f"no dates here, but in {with_dates[0].playlist.name}"
            )


def _ends(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    ended = [r for r in renditions if r.playlist.ended]
    for rendition in renditions if ended else ():
        if rendition not in ended:
            yield ENDLIST_IN_SOME.at(
                rendition.playlist.name, None, f"no EXT-X-ENDLIST here, but in {ended[0].playlist.name}"
            )


def _discontinuity_numbers(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    """What has ended has the same discontinuity sequence numbers in all renditions.

    At its beginning and end a rendition may have up to a target duration that the others do not have.
    """
    ended = [r.playlist for r in renditions if r.playlist.ended and r.playlist.segments and not r.is_i_frames]
    for playlist in ended[1:]:
        for one, other in ((playlist, ended[0]), (ended[0], playlist)):
            others = _periods(other)
            for number, duration in _periods(one).items():
                if number not in others and duration > (one.target or 0):
                    message = (
                        f"{float(duration):.3f} s have discontinuity sequence number {number}, none in {other.name}"
                    )
                    yield DISCONTINUITIES_DIFFER.at(one.name, None, message)


def _periods(playlist: Playlist) -> dict[int, Fraction]:
    """Seconds listed under each discontinuity sequence number."""
    periods: dict[int, Fraction] = {}
    for segment in playlist.segments:
        number = segment.discontinuity_number
        periods[number] = periods.get(number, Fraction(0)) + (segment.duration or 0)
    return periods


def _discontinuity_dates(renditions: Sequence[Rendition]) -> Iterator[Finding]:
    """A discontinuity that two renditions show has the same date in both."""
    first: dict[int, tuple[int, str]] = {}
    for rendition in renditions:
        if rendition.is_i_frames:
            continue
        for segment in rendition.playlist.segments:
            if not segment.discontinuity or segment.date is None:
                continue
            date, other = first.setdefault(segment.discontinuity_number, (segment.date, rendition.playlist.name))
            if abs(date - segment.date) > DATE_LIMIT:
                off = (segment.date - date) / MICROSECONDS
                yield DISCONTINUITY_DATES_DIFFER.at(
                    rendition.playlist.name,
                    segment.line,
                    f"discontinuity {segment.discontinuity_number} is dated {off:+.3f} s from that of {other}",
                )


def _differences(
    renditions: Iterable[Rendition], rule: Rule, value: Callable[[Playlist], object], tag_name: str
) -> Iterator[Finding]:
    """A finding for each rendition whose value is not that of the first."""
    reference: Playlist | None = None
    for playlist in (rendition.playlist for rendition in renditions):
        reference = reference or playlist
        here, there = value(playlist), value(reference)
        if here != there:
            tag = playlist.first(tag_name)
            said, elsewhere = ("absent" if found is None else found for found in (here, there))
            message = f"{tag_name} is {said} here and {elsewhere} in {reference.name}"
            yield rule.at(playlist.name, tag.line if tag else None, message)


_LOOKS = (
    _target_durations,
    _playlist_types,
    _server_controls,
    _dates,
    _ends,
    _discontinuity_numbers,
    _discontinuity_dates,
)
