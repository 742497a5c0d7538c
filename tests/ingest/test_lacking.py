"""What a source does not have, from ffmpeg's own words."""

from __future__ import annotations

import pytest

from builders import channel
from livedvr.ingest.command import Cut
from livedvr.ingest.lacking import without
from livedvr.resources.streams import ElementaryStream, MuxStream, TextStream, video_and_audio

ONLY = "Subtitle encoding currently only possible from text to text or bitmap to bitmap"
INPUT = "[info]   Stream #0:0[0x100]: Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p, 160x90, 25 fps"


def cut(text: TextStream) -> Cut:
    streams = (*video_and_audio("h264"), ElementaryStream(key="text", text_stream=text))
    muxes = (MuxStream(), MuxStream(key="text", container="vtt", elementary_streams=("text",)))
    return Cut(channel(elementary_streams=streams, mux_streams=muxes), muxes)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[fatal] Stream map '1:s:0' matches no streams."], ("s:0", "the source has no stream 's:0'")),
        (["[error] Failed to set value '0:s:0' for option 'map': Invalid argument"], ("s:0", "no stream 's:0'")),
        (  # 5.1
            [
                INPUT,
                "[info]   Stream #0:1[0x101](und): Subtitle: dvb_subtitle (dvbsub) ([6][0][0][0] / 0x0006)",
                f"[error] Error initializing output stream 1:0 -- {ONLY}",
            ],
            ("s:0", "is dvb_subtitle, pictures of text: name a track of text"),
        ),
        (  # 9, and the second track
            [
                INPUT,
                "[info]   Stream #0:2(ger): Subtitle: subrip (default)",
                "[info]   Stream #0:3(eng): Subtitle: hdmv_pgs_subtitle (pgssub), 1920x1080",
                f"[sost#1:0/webvtt @ 0x55] [error] {ONLY}",
            ],
            ("s:1", "is hdmv_pgs_subtitle, pictures of text"),
        ),
        (
            [
                "[info]   Stream #0:2[0x102](deu): Subtitle: dvb_teletext ([6][0][0][0] / 0x0006)",
                "[error] Decoding requested, but no decoder found for: dvb_teletext",
            ],
            ("s:0", "is teletext, which is not taken"),
        ),
    ],
    ids=["5.1 none", "9 none", "5.1 dvb", "9 pgs", "teletext"],
)
def test_what_ended_a_run(lines: list[str], said: tuple[str, str]) -> None:
    track = int(said[0][2:])
    found = without(cut(TextStream(input_track=track)), lines)
    assert found is not None
    assert [mux.key for mux in found[0].muxes] == ["av"] and found[0].lacking == {said[0]}
    assert found[1] == ["text"] and said[1] in found[2]


def test_other_ends_lack_nothing() -> None:
    given = cut(TextStream(input_track=0))
    assert without(given, [INPUT, "[info]   Stream #0:1: Subtitle: dvb_subtitle", "[error] Input/output error"]) is None


@pytest.mark.semantics("P7")
def test_the_next_run_does_without_the_text_or_takes_captions() -> None:
    missing = "[fatal] Stream map '0:{}' matches no streams."
    either = cut(TextStream(input_track=0, input_cea_channel="CC1"))
    found = without(either, [missing.format("s:0")])
    assert found is not None and found[0].muxes == either.muxes and found[0].lacking == {"s:0"}
    assert found[1] == [], "captions take its place, and that is nothing to be told"
    track = cut(TextStream(input_track=0))
    found = without(track, [missing.format("a:0")])
    assert found is not None and found[0].muxes == track.muxes, "the pictures go on without their sound"
    assert (found[0].lacking, found[1]) == ({"a:0"}, ["av"])
    found = without(track, [missing.format("v:0")])
    assert found is not None and found[0].muxes == track.muxes[1:], "the reference is gone: the caller's matter"
    refused = ["[info] Opening 'text/x' for writing", "[error] no", "[error] Could not write header: no"]
    found = without(track, refused)
    assert found is not None and found[0].muxes == track.muxes[:1]
    assert without(track, [line.replace("text/", "av/") for line in refused]) is None
