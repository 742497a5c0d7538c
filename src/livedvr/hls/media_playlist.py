"""The lines of media playlists; and a session's, grown: what is published never changes (P1-P5). Pure text."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.hls.date_range import date_range_line
from livedvr.resources.layout import UP_TO_OUTPUT, Container, init_name, segment_name
from livedvr.resources.times import format_seconds, format_time
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import Listed

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


def segment_lines(
    mux: str, container: Container, segment: Segment, up: str, *, discontinuities: int, mapped: bool, dated: bool
) -> list[str]:
    """A segment as a playlist lists it.

    Args:
        mux: the rendition's key.
        container: fmp4 or ts.
        segment: media, or a gap (P7).
        up: the way from the playlist to the channel's output.
        discontinuities: how many EXT-X-DISCONTINUITY stand before it.
        mapped: whether EXT-X-MAP stands before it.
        dated: whether EXT-X-PROGRAM-DATE-TIME stands before it.
    """
    lines = ["#EXT-X-DISCONTINUITY"] * discontinuities
    if mapped:
        lines.append(f'#EXT-X-MAP:URI="{up}{init_name(mux, segment.run)}"')
    if dated:
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{format_time(segment.start)}")
    if segment.is_gap:
        lines.append("#EXT-X-GAP")  # 4.4.4.7; section 8 asks for no version
    lines.append(f"#EXTINF:{format_seconds(segment.duration)},")
    lines.append(up + segment_name(mux, segment.run, segment.index, container))
    return lines


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
        self._date = 0  # UTC microseconds a client extrapolates to at the end of what is listed
        self.last: Segment | None = None
        self._text = bytearray()
        self._up = up
        self._write(*head_lines(container, target), f"#EXT-X-PLAYLIST-TYPE:{'VOD' if vod else 'EVENT'}")
        if start_offset is not None:
            sign = "-" if start_offset < 0 else ""
            self._write(f"#EXT-X-START:TIME-OFFSET={sign}{format_seconds(abs(start_offset))}")

    def append(self, listed: Listed, tags: Sequence[RangeTag] = ()) -> None:
        """List one more segment, and before it the ``tags`` of date ranges."""
        assert not self.sealed, "a sealed playlist does not grow (P2)"
        segment = listed.segment
        if listed.discontinuity:
            self._run = ""  # P4: EXT-X-MAP after each discontinuity, also when it names the same init segment again
        mapped = self.container == "fmp4" and segment.run != self._run and not segment.is_gap
        if mapped:
            self._run = segment.run
        dated = self.last is None or listed.discontinuity or abs(segment.start - self._date) > _DATE_TOLERANCE
        if dated:
            self._date = (segment.start + 500) // 1000 * 1000  # what the line says, in whole milliseconds
        self._write(
            *map(date_range_line, tags),
            *segment_lines(
                self.mux,
                self.container,
                segment,
                self._up,
                discontinuities=int(listed.discontinuity),
                mapped=mapped,
                dated=dated,
            ),
        )
        self._date += segment.duration
        self.last = segment

    def seal(self) -> None:
        """Append ENDLIST; nothing else changes, EVENT stays EVENT (P2)."""
        if not self.sealed:
            self._write("#EXT-X-ENDLIST")
            self.sealed = True

    def render(self) -> bytes:
        """The whole playlist as UTF-8."""
        return bytes(self._text)

    def _write(self, *lines: str) -> None:
        for line in lines:
            self._text += line.encode() + b"\n"
