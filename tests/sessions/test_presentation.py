"""main.m3u8 and the playlists of several renditions, as whole files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from builders import RUN, T0, at, chain, segment, window
from builders import channel as channel_resource
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.models import Channel, Manifest
from livedvr.resources.streams import (
    AudioStream,
    ElementaryStream,
    MuxStream,
    TextStream,
    VideoStream,
    video_and_audio,
)
from livedvr.resources.times import SECOND
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.timeline.gaps import SOURCE_LOST
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

MUXES = ("v720", "v360", "en", "de")
VIDEO = RunMedia(("avc1.64001f",), (1280, 720), Fraction(30), "video h264 1280x720 30 fps")
AUDIO = RunMedia(("mp4a.40.2",), None, None, "audio aac 48000 Hz 2 ch", 2)
MEDIA_AV = replace(VIDEO, codecs=("avc1.64001f", "mp4a.40.2"))
WEBVTT = RunMedia((), None, None, "text webvtt")
MEDIA = {
    "v720": VIDEO,
    "v360": replace(VIDEO, codecs=("avc1.64001e",), resolution=(640, 360)),
    "en": AUDIO,
    "de": AUDIO,
}


def channel(**manifest: object) -> Channel:
    """Two videos, and an audio in two languages."""
    videos = [
        ElementaryStream(key=f"v{h}", video_stream=VideoStream(codec="h264", height_pixels=h)) for h in (720, 360)
    ]
    named = {"en": "English", "de": None}
    sounds = [
        ElementaryStream(
            key=code, audio_stream=AudioStream(codec="aac", input_track=i, language_code=code, display_name=name)
        )
        for i, (code, name) in enumerate(named.items())
    ]
    return channel_resource(
        elementary_streams=(*videos, *sounds),
        mux_streams=tuple(MuxStream(key=key, elementary_streams=(key,)) for key in MUXES),
        manifests=(Manifest(mux_streams=MUXES, **manifest),),
    )


def known(segments: Mapping[str, Sequence[Segment]]) -> ChannelTimeline:
    made = ChannelTimeline(Timeline(MUXES), 2, media={RUN: MEDIA})
    for mux, some in segments.items():
        for one in some:
            made.timeline.append(mux, one)
    return made


def opened(of: Channel) -> OpenSession:
    windows = (window(0, None),)
    return OpenSession(
        SessionRow("live", "match", "main", windows, windows, {}, "LIVE", None, 1, None, None, T0, T0), of
    )


def fed(size: int, count: int = 3) -> list[Segment]:
    return [replace(one, size=size) for one in chain([2 * SECOND] * count)]


@pytest.mark.semantics("P6")
def test_a_ladder_with_an_audio_in_two_languages() -> None:
    of = channel()
    session, timeline = (
        opened(of),
        known({"v720": fed(500_000), "v360": fed(125_000), "en": fed(32_000), "de": fed(30_000)}),
    )
    session.grow(timeline)
    assert session.is_complete and session.needs_multivariant
    assert multivariant(of, session.renditions.values(), 1, timeline).decode() == (
        "#EXTM3U\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-mp4a.40.2",NAME="English",DEFAULT=YES,AUTOSELECT=YES,'
        'LANGUAGE="en",CHANNELS="2",URI="en/index-1.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio-mp4a.40.2",NAME="de",DEFAULT=NO,AUTOSELECT=YES,'
        'LANGUAGE="de",CHANNELS="2",URI="de/index-1.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=2128000,AVERAGE-BANDWIDTH=2128000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio-mp4a.40.2"\n'
        "v720/index-1.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=628000,AVERAGE-BANDWIDTH=628000,CODECS="avc1.64001e,mp4a.40.2",'
        'RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio-mp4a.40.2"\n'
        "v360/index-1.m3u8\n"
    )


@pytest.mark.semantics("P6", "P7")
def test_a_text_rendition_as_whole_files() -> None:
    texts = [
        ElementaryStream(key=key, text_stream=TextStream(input_track=i, language_code=code, display_name=name))
        for i, (key, code, name) in enumerate([("cc", "en", "English"), ("sub", "de", None)])
    ]
    muxes = (MuxStream(), *(MuxStream(key=t.key, container="vtt", elementary_streams=(t.key,)) for t in texts))
    of = channel_resource(
        elementary_streams=(*video_and_audio("h264"), *texts),
        mux_streams=muxes,
        manifests=(Manifest(mux_streams=("av", "cc", "sub")),),
    )
    made = ChannelTimeline(Timeline(("av", "cc", "sub")), 2)
    made.media = {RUN: {"av": MEDIA_AV, "cc": WEBVTT, "sub": WEBVTT}}
    listed = {
        "av": fed(500_000),
        "cc": [segment(0, size=1_000), segment(1, size=60), segment(2, index=-3, size=0)],
        "sub": fed(500),
    }
    for mux, some in listed.items():
        for one in some:
            made.timeline.append(mux, one)
    session = opened(of)
    session.grow(made)
    session.seal(SOURCE_LOST)
    assert multivariant(of, session.renditions.values(), 1, made).decode() == (
        "#EXTM3U\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="en",'
        'URI="cc/index-1.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="de",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="de",'
        'URI="sub/index-1.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=2004000,AVERAGE-BANDWIDTH=2002120,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1280x720,FRAME-RATE=30.000,SUBTITLES="subtitles"\n'
        "av/index-1.m3u8\n"
    )
    assert session.renditions["cc"].playlist.render().decode() == (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.000Z\n"
        f"#EXTINF:2.000000,\n../../../cc/{RUN}/segment-000000.vtt\n"
        f"#EXTINF:2.000000,\n../../../cc/{RUN}/segment-000001.vtt\n"
        f"#EXT-X-GAP\n#EXTINF:2.000000,\n../../../cc/{RUN}/gap-000002.vtt\n"
        "#EXT-X-ENDLIST\n"
    )
    assert session.summary()["gaps"] == [[at(4), at(6), "rendition cc failed"]]


@pytest.mark.semantics("P6", "O6")
def test_nothing_is_published_before_there_is_something_of_every_rendition() -> None:
    session = opened(channel())
    session.grow(known({"v720": fed(1), "v360": fed(1), "en": fed(1)}))
    assert not session.is_complete


@pytest.mark.semantics("P7", "P8")
@pytest.mark.parametrize("gap_entries", [True, False])
def test_a_rendition_that_failed_for_a_while(gap_entries: bool) -> None:
    broken = [
        segment(0, size=32_000),
        segment(1, index=-2, size=0),
        segment(2, index=-3, size=0),
        segment(3, index=1, size=32_000),
    ]
    whole = fed(500_000, 4)
    of = channel(gap_entries=gap_entries)
    session = opened(of)
    timeline = known({"v720": whole, "v360": whole, "en": whole, "de": broken})
    session.grow(timeline)
    session.seal(SOURCE_LOST)
    head = (
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        f'#EXT-X-MAP:URI="../../../de/{RUN}/init.mp4"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.000Z\n'
        f"#EXTINF:2.000000,\n../../../de/{RUN}/segment-000000.m4s\n"
    )
    gaps = "".join(f"#EXT-X-GAP\n#EXTINF:2.000000,\n../../../de/{RUN}/gap-{n:06d}.m4s\n" for n in (1, 2))
    dated = "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:06.000Z\n"
    tail = f"#EXTINF:2.000000,\n../../../de/{RUN}/segment-000001.m4s\n#EXT-X-ENDLIST\n"
    text = session.renditions["de"].playlist.render().decode()
    assert text == head + (gaps if gap_entries else dated) + tail
    assert session.summary()["gaps"] == [[at(2), at(6), "rendition de failed"]]
    assert b'NAME="de"' in multivariant(of, session.renditions.values(), 1, timeline)


@pytest.mark.semantics("S16")
def test_a_restart_draws_every_rendition_again_as_far_as_its_summary_says() -> None:
    of = channel()
    first = opened(of)
    first.grow(known({"v720": fed(9), "v360": fed(9), "en": fed(9, 2), "de": fed(9)}))
    first.seal(SOURCE_LOST)
    again = opened(of)
    again.row = replace(again.row, summary=first.summary(), target=2)
    again.grow(known(dict.fromkeys(MUXES, fed(9, 5))))
    again.seal(SOURCE_LOST)
    for mux in MUXES:
        assert again.renditions[mux].playlist.render() == first.renditions[mux].playlist.render()


@pytest.mark.semantics("P6")
def test_a_source_that_changed_is_declared_whole() -> None:
    """RFC 8216bis 4.4.6.2: every format in CODECS, the size that all is displayed best at, the highest frame rate."""
    of, other = channel(), "20261121T020010Z-p7x2"
    before = {mux: fed(1) for mux in MUXES}
    timeline = known(before)
    session = opened(of)
    session.grow(timeline)
    session.stored(with_multivariant=True)
    assert not session.needs_multivariant
    small = replace(VIDEO, codecs=("hvc1.1.6.L60.90",), resolution=(320, 240), frame_rate=Fraction(50))
    timeline.media[other] = {**MEDIA, "v720": small, "en": replace(AUDIO, codecs=("ac-3",))}
    for mux in MUXES:
        last = before[mux][-1]
        timeline.timeline.append(
            mux, replace(last, number=3, run=other, index=0, epoch=1, start=at(10), media_start=0, size=1)
        )
    session.grow(timeline)
    assert session.needs_multivariant, "while it is live, not only at its end"
    main = multivariant(of, session.renditions.values(), 1, timeline).decode()
    first = main.split("#EXT-X-STREAM-INF:")[1]
    assert 'CODECS="hvc1.1.6.L60.90,avc1.64001f,ac-3,mp4a.40.2"' in first
    assert "RESOLUTION=1280x720,FRAME-RATE=50.000" in first
