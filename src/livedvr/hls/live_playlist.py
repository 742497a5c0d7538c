"""A channel's own live playlist: the newest segments of a rendition, drawn whole each time (SEMANTICS O5). Pure text.

What is said of a segment does not depend on where it stands in the list: each has its date, its media sequence number
is the timeline's number and its discontinuity sequence number is its epoch. So lines never change while the list
slides, nor over a restart, and both numbers are the same in all renditions where the content is.
"""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.hls.date_range import date_range_line
from livedvr.hls.media_playlist import head_lines, map_line, segment_lines
from livedvr.resources.layout import LIVE_UP_TO_OUTPUT, Container
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment
from livedvr.timeline.segments import Segments
from livedvr.timeline.timeline import Passage


def live_window(segments: Sequence[Segment], count: int, least: int, since: int = 0) -> tuple[Segment, ...]:
    """The newest of a rendition's segments, as many as a live list has; costs what it returns.

    At least ``count`` segments and at least ``least`` microseconds of media (three target durations: no segment may be
    removed that would leave less, RFC 8216bis 6.2.2), as far as there are; none numbered below ``since``, and nothing
    from before a hole that retention has left.

    It slides only forward: what is too old for a list is too old for each later one.
    """
    first, duration = len(segments), 0
    while first and (len(segments) - first < count or duration < least):
        before = segments[first - 1]
        if before.number < since or (first < len(segments) and before.number + 1 != segments[first].number):
            break
        first, duration = first - 1, duration + before.duration
    return tuple(segments[first:])


def render_live(
    mux: str,
    container: Container,
    target: int,
    segments: Sequence[Segment],
    tags: Sequence[RangeTag] = (),
    up: str = LIVE_UP_TO_OUTPUT,
) -> bytes:
    """The playlist as UTF-8: no EXT-X-PLAYLIST-TYPE, for it slides, and no EXT-X-ENDLIST, for a channel may go on.

    An epoch in which the rendition has no segment still counts: there, two EXT-X-DISCONTINUITY stand one behind the
    other, so that the numbers stay those of the other renditions (4.4.3.3, 6.2.1).

    Args:
        mux: the rendition's key.
        container: fmp4 or ts.
        target: EXT-X-TARGETDURATION in seconds.
        segments: at least one, numbered without a hole.
        tags: of the date ranges that meet them, in order. One whose place has slid out stands before the first.
        up: the way from the playlist to the channel's output.
    """
    lines = head_lines(container, target, first=segments[0].number, first_epoch=segments[0].epoch)
    run, epoch, waiting = "", segments[0].epoch, list(tags)
    for segment in segments:
        while waiting and waiting[0].place(mux) <= segment.number:
            lines.append(date_range_line(waiting.pop(0)))
        if segment.epoch != epoch:
            lines += ["#EXT-X-DISCONTINUITY"] * (segment.epoch - epoch)
            run, epoch = "", segment.epoch  # P4: EXT-X-MAP after each discontinuity
        if container == "fmp4" and segment.run != run and not segment.is_gap:
            lines.append(map_line(mux, segment.run, up))
            run = segment.run
        lines += segment_lines(mux, container, Passage(Segments([segment])), up)[0]
    return "".join(f"{line}\n" for line in lines).encode()
