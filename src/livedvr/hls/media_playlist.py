"""The lines of media playlists; and a session's, grown: what is published never changes (P1-P5). Pure text."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.hls.date_range import date_range_line
from livedvr.resources.layout import UP_TO_OUTPUT, Container, init_name, segment_affixes
from livedvr.resources.times import format_seconds, format_time
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.timeline import Passage

# P1: what the content needs. Fractional EXTINF is version 3, EXT-X-MAP outside an I-frame playlist version 6
# (RFC 8216bis 8).
_VERSION: dict[Container, int] = {"ts": 3, "fmp4": 6, "vtt": 3}

_DATE_TOLERANCE = 1_000  # P5: microseconds by which extrapolation may be off before a new date line


def head_lines(container: Container, target: int, *, first: int = 0, first_epoch: int = 0) -> list[str]:
    """What each media playlist begins with.

    Args:
        container: fmp4 or ts.
        target: EXT-X-TARGETDURATION in seconds (P3).
        first: EXT-X-MEDIA-SEQUENCE.
        first_epoch: EXT-X-DISCONTINUITY-SEQUENCE.
    """
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION[container]}",
        f"#EXT-X-TARGETDURATION:{target}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",  # P1: both are always written
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first_epoch}",
    ]


def map_line(mux: str, run: str, up: str) -> str:
    """What a run's segments have in common, by the way ``up`` to the channel's output."""
    return f'#EXT-X-MAP:URI="{up}{init_name(mux, run)}"'


def segment_lines(
    mux: str, container: Container, passage: Passage, up: str, date: int | None = None
) -> tuple[list[str], int | None]:
    """The segments of a passage as a playlist lists them, with EXT-X-PROGRAM-DATE-TIME where it is due (P5).

    Args:
        mux: the rendition's key.
        container: fmp4 or ts.
        passage: media, or gaps (P7).
        up: the way from the playlist to the channel's output.
        date: what a client extrapolates to at their beginning, UTC microseconds; None: nothing.

    Returns:
        The lines, and what it extrapolates to at their end.
    """
    segments, first, lines = passage.segments, passage.first, []
    before, behind = segment_affixes(mux, first.run, container, is_gap=first.is_gap)
    gap = "#EXT-X-GAP\n" if first.is_gap else ""  # 4.4.4.7; section 8 asks for no version
    durations, indexes = segments.column("duration"), segments.column("index")
    heads = {each: f"{gap}#EXTINF:{format_seconds(each)},\n{up}{before}" for each in set(durations)}  # they are few
    counts = [-1 - index for index in indexes] if first.is_gap else indexes
    for count, start, duration in zip(counts, segments.column("start"), durations, strict=True):
        if date is None or abs(start - date) > _DATE_TOLERANCE:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{format_time(start)}")
            date = (start + 500) // 1000 * 1000  # what the line says, in whole milliseconds
        lines.append(f"{heads[duration]}{count:06d}{behind}")
        date += duration
    return lines, date


class MediaPlaylist:
    """One edition's EVENT playlist of one rendition; or a clip's, which nobody reads before it is whole: VOD (4.4.3.5).

    Args:
        mux: the rendition's key.
        container: fmp4 or ts.
        target: EXT-X-TARGETDURATION in seconds (P3), fixed.
        start_offset: where players begin, microseconds from the start or, negative, from the end (4.4.2.2).
        vod: it is a clip's.
        up: the way from the playlist to the channel's output.
    """

    def __init__(
        self,
        mux: str,
        container: Container,
        target: int,
        start_offset: int | None = None,
        *,
        vod: bool = False,
        up: str = UP_TO_OUTPUT,
    ) -> None:
        self.mux = mux
        self.container = container
        self.sealed = False
        self._run = ""
        self._date: int | None = None  # UTC microseconds a client extrapolates to at the end of what is listed
        self._text = bytearray()
        self._up = up
        self._write(*head_lines(container, target), f"#EXT-X-PLAYLIST-TYPE:{'VOD' if vod else 'EVENT'}")
        if start_offset is not None:
            sign = "-" if start_offset < 0 else ""
            self._write(f"#EXT-X-START:TIME-OFFSET={sign}{format_seconds(abs(start_offset))}")

    def append(self, passage: Passage, tags: Sequence[RangeTag] = ()) -> None:
        """List more segments, and before the first the ``tags`` of date ranges."""
        assert not self.sealed, "a sealed playlist does not grow (P2)"
        lines, first = [date_range_line(tag) for tag in tags], passage.first
        if passage.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
            # P4: EXT-X-MAP after each discontinuity, also when it names the same init segment again; and a date (P5)
            self._run, self._date = "", None
        if self.container == "fmp4" and first.run != self._run and not first.is_gap:
            lines.append(map_line(self.mux, first.run, self._up))
            self._run = first.run
        more, self._date = segment_lines(self.mux, self.container, passage, self._up, self._date)
        self._write(*lines, *more)

    def seal(self) -> None:
        """Append ENDLIST; nothing else changes, EVENT stays EVENT (P2)."""
        if not self.sealed:
            self._write("#EXT-X-ENDLIST")
            self.sealed = True

    def render(self) -> bytes:
        """The whole playlist as UTF-8."""
        return bytes(self._text)

    def _write(self, *lines: str) -> None:
        self._text += "\n".join((*lines, "")).encode()
