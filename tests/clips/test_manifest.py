from __future__ import annotations

import pytest

from builders import MEDIA, RUN, SECOND_RUN, at, chain, channel, window
from livedvr.clips.manifest import draw
from livedvr.resources.times import SECOND
from livedvr.timeline.timeline import ChannelTimeline, Timeline


@pytest.mark.semantics("W5", "W6", "P4", "P5")
def test_a_clip_is_a_sealed_presentation_of_its_own() -> None:
    known = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}, SECOND_RUN: {"av": MEDIA}})
    second = chain([2 * SECOND] * 3, start=at(10), first=3, run=SECOND_RUN, epoch=1)
    known.timeline.restore("av", [*chain([2 * SECOND] * 3), *second])
    drawn = draw(channel(), "main", [window(3, 5), window(9, 11)], known)
    assert drawn.playlists[0] == (
        "av/index-1.m3u8",
        f"""\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="../av/{RUN}/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:02.000Z
#EXTINF:2.000000,
../av/{RUN}/segment-000001.m4s
#EXTINF:2.000000,
../av/{RUN}/segment-000002.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../av/{SECOND_RUN}/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:10.000Z
#EXTINF:2.000000,
../av/{SECOND_RUN}/segment-000000.m4s
#EXT-X-ENDLIST
""".encode(),
    )
    assert drawn.playlists[1][0] == "main.m3u8" and b"av/index-1.m3u8" in drawn.playlists[1][1]
    assert drawn.segments == (
        f"av/{RUN}/init.mp4",
        f"av/{RUN}/segment-000001.m4s",
        f"av/{RUN}/segment-000002.m4s",
        f"av/{SECOND_RUN}/init.mp4",
        f"av/{SECOND_RUN}/segment-000000.m4s",
    )
    assert (drawn.duration, drawn.size) == (6 * SECOND, 3 * 500_000)
    assert next(iter(drawn.names)) == "main.m3u8", "what points at others goes first"
