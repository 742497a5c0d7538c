"""Several renditions from one decode, from real senders (SEMANTICS P3-P7)."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
from pathlib import Path

import av
import m3u8
import pytest

from live import Encoder, Recording, clock_errors, free_udp_port, lines, record, until
from livedvr import LiveDvr
from livedvr.catalog import channel_rows
from livedvr.catalog.reading import reading
from livedvr.check.run import run_check
from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.journal import parse_rows
from livedvr.media.reader import read_media
from livedvr.resources.models import Channel, Input, Manifest, Output
from livedvr.resources.streams import AudioStream, ElementaryStream, MuxStream, VideoStream, video_and_audio
from offline import cut_clip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine

RENDITIONS = ("v360p", "v240p", "audio")


def playlist(output: Path, mux: str) -> m3u8.M3U8:
    return m3u8.load(str(output / f"dvr/demo/{mux}/index-1.m3u8"))


@pytest.mark.semantics("P3", "P4", "P6")
def test_a_ladder_across_a_reconnect(ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    url = f"udp://127.0.0.1:{port}"
    recording = Recording(url, tmp_path, "--ladder", "360p,240p", "--session", "demo")
    with Encoder(url + "?pkt_size=1316"):
        until(lambda: media_playlist_of(tmp_path, "v360p").count("#EXTINF") >= 2, "two segments are listed")
    first = {path.name for path in tmp_path.glob("v360p/*")}
    until(lambda: first.isdisjoint(path.parent.name for path in tmp_path.glob(".livedvr/spool/*/ffmpeg.log")), "an end")
    until(lambda: list(tmp_path.glob(".livedvr/spool/*/ffmpeg.log")), "the next run waits")
    with Encoder(url + "?pkt_size=1316"):
        for mux in RENDITIONS:
            until(lambda mux=mux: "#EXT-X-DISCONTINUITY\n" in media_playlist_of(tmp_path, mux), f"{mux} goes on", 60)
        recording.send(signal.SIGINT)
        code, result, err = recording.finish(patience=60)
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert [gap["reason"] for gap in result["gaps"]] == ["source lost"]
    report = run_check(result["output_uri"], deep=True)
    assert report.ok, report

    lists = {mux: playlist(tmp_path, mux) for mux in RENDITIONS}
    assert len({text.target_duration for text in lists.values()}) == 1
    assert {mux: sum(s.discontinuity for s in text.segments) for mux, text in lists.items()} == dict.fromkeys(
        RENDITIONS, 1
    )
    reference = lists["v360p"].segments
    low = lists["v240p"].segments
    assert [(s.duration, s.discontinuity) for s in low] == [(s.duration, s.discontinuity) for s in reference]
    breaks = [next(s for s in text.segments if s.discontinuity).program_date_time for text in lists.values()]
    assert (
        max(breaks) - min(breaks)
        <= (reference[0].program_date_time - reference[0].program_date_time).resolution * 60_000
    )
    for mux in ("v360p", "v240p"):
        errors = clock_errors(lines(tmp_path / f"dvr/demo/{mux}/index-1.m3u8"), joined=True)
        assert len(errors) >= 2, "of more than a first segment"
        assert all(abs(error) < 0.5 for error in errors), (mux, errors)

    main = m3u8.load(str(tmp_path / "dvr/demo/main.m3u8"))
    assert [variant.stream_info.resolution for variant in main.playlists] == [(640, 360), (426, 240)]
    assert {variant.stream_info.audio for variant in main.playlists} == {media.group_id for media in main.media}
    assert [media.type for media in main.media] == ["AUDIO"]
    assert all("mp4a.40.2" in variant.stream_info.codecs for variant in main.playlists)


@pytest.mark.semantics("P6", "P7")
@pytest.mark.parametrize(("codec", "listed"), [("mp3", "mp4a.40.34"), ("ac3", None)])
async def test_h265_beside_h264_and_audio_as_it_comes(
    ffmpeg: str, codec: str, listed: str | None, tmp_path: Path
) -> None:
    # ffmpeg's muxer does not take AC-3 when the init segment is to be written first: the others go on without it.
    clip, out = tmp_path / "clip.ts", tmp_path / "out"
    made = f"{ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=320x180:r=25:d=4 -f lavfi -i sine=r=44100:d=4"
    await asyncio.to_thread(
        subprocess.run, [*made.split(), *f"-c:v libx264 -g 30 -c:a {codec} -ac 1 {clip}".split()], check=True
    )
    videos = [
        ElementaryStream(key="h264", video_stream=VideoStream(codec="h264", height_pixels=180)),
        ElementaryStream(key="h265", video_stream=VideoStream(codec="h265", height_pixels=180)),
    ]
    sound = ElementaryStream(key="sound", audio_stream=AudioStream(language_code="de", display_name="Deutsch"))
    channel = Channel(
        channel_id="live",
        input=Input(uri=str(clip)),
        output=Output(uri=str(out)),
        elementary_streams=(*videos, sound),
        mux_streams=tuple(MuxStream(key=key, elementary_streams=(key,)) for key in ("h264", "h265", "sound")),
        manifests=(Manifest(mux_streams=("h264", "h265", "sound")),),
    )
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel)
        await dvr.sessions.create("live", "demo")
        await dvr.channels.start("live")
        async for session in dvr.sessions.watch("live", "demo"):
            if session.segments == 2:
                break
        await dvr.channels.stop("live")
        session = await dvr.sessions.get("live", "demo")
        events = dvr.events("live")
    assert session.state == "FINISHED"
    assert ("rendition sound failed" in {gap.reason for gap in session.gaps}) == (listed is None), session.gaps
    assert [(kind, "AC3" in text) for _, kind, text in events] == ([] if listed else [("RENDITION_FAILED", True)])
    report = run_check(session.output_uri, deep=True)
    assert report.ok, report
    main = m3u8.load(session.output_uri)
    codecs = [variant.stream_info.codecs.split(",") for variant in main.playlists]
    assert [video.split(".")[0] for video, *_ in codecs] == ["avc1", "hvc1"]
    assert [audio for _, *audio in codecs] == [[listed] if listed else []] * 2, "the sound is what the source sent"
    assert [(media.language, media.name) for media in main.media] == ([("de", "Deutsch")] if listed else [])
    h264, h265 = (playlist(out, key).segments for key in ("h264", "h265"))
    assert [s.duration for s in h264] == [s.duration for s in h265]
    assert [s.duration for s in h264[:2]] == [2, 2]
    for key, decoder in (("h264", "h264"), ("h265", "hevc")):
        with av.open(str(out / f"dvr/demo/{key}/index-1.m3u8")) as media:
            assert media.streams.video[0].codec_context.name == decoder
            assert sum(1 for _ in media.decode(video=0)) in (100, 101)


def media_playlist_of(output: Path, mux: str) -> str:
    path = output / f"dvr/demo/{mux}/index-1.m3u8"
    return path.read_text() if path.exists() else ""


@pytest.mark.semantics("P7")
def test_a_source_without_audio_does_not_stop_the_pictures(ffmpeg: str, tmp_path: Path) -> None:
    clip = tmp_path / "silent.mp4"
    made = f"{ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=320x180:r=25:d=8 -c:v libx264 -g 25 {clip}"
    subprocess.run(made.split(), check=True)
    out = tmp_path / "out"
    code, result, err = record(str(clip), out, "--ladder", "360p,240p", "--session", "demo")
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert result["duration"] == pytest.approx(8, abs=0.1)
    assert [gap["reason"] for gap in result["gaps"]] == ["rendition audio failed"]
    assert run_check(result["output_uri"], deep=True).ok
    assert not m3u8.load(str(out / "dvr/demo/main.m3u8")).media, "nobody is sent to a rendition that has nothing"
    text = media_playlist_of(out, "audio")
    assert text.count("#EXT-X-GAP") == text.count("#EXTINF") == media_playlist_of(out, "v360p").count("#EXTINF")
    with reading(out / ".livedvr/catalog.sqlite3") as db:
        kinds = [kind for _, kind, _ in channel_rows.list_events(db, "live")]
    assert kinds == ["RENDITION_FAILED"]


@pytest.mark.semantics("P4")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
@pytest.mark.parametrize("joined", [False, True], ids=["whole", "mid-gop"])
def test_renditions_apart_keep_the_source_s_times(ffmpeg: str, tmp_path: Path, container: str, joined: bool) -> None:
    # B-frames begin before zero and a video that is joined in its middle begins late: neither may move it.
    clip, run = tmp_path / "clip.ts", tmp_path / "run"
    made = f"{ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=160x90:r=30:d=10 -f lavfi -i sine=r=48000:d=10"
    subprocess.run([*made.split(), *f"-c:v libx264 -bf 2 -g 60 -c:a aac {clip}".split()], check=True)
    if joined:
        data = clip.read_bytes()
        clip.write_bytes(data[: 3 * 188] + data[len(data) // 188 // 8 * 188 :])
    video, audio = (first_times(clip)[kind] for kind in ("video", "audio"))
    muxes = tuple(
        MuxStream(key=key, container=container, elementary_streams=(key,))  # type: ignore[arg-type]
        for key in ("video", "audio")
    )
    channel = Channel(
        channel_id="live",
        input=Input(uri=str(clip)),
        output=Output(uri=str(tmp_path)),
        elementary_streams=video_and_audio(),
        mux_streams=muxes,
        manifests=(Manifest(mux_streams=("video", "audio")),),
    )
    cut_clip(ffmpeg, clip, channel, run)
    for mux, truth in (("video", video - audio), ("audio", 0.0)):
        rows = parse_rows((run / mux / "journal.csv").read_bytes())[0][:-1]  # the last may be a single frame
        suffix, init = ("m4s", run / mux / "init.mp4") if container == "fmp4" else ("ts", None)
        spans = [read_media(run / mux / f"segment-{row.index:06d}.{suffix}", init).streams[0] for row in rows]
        assert (spans[0].first_pts - CONTAINER_OFFSET) / 1e6 == pytest.approx(truth, abs=0.001)
        for row, span in itertools.islice(zip(rows, spans, strict=True), 1, None):
            assert span.first_pts - CONTAINER_OFFSET == pytest.approx(row.start, abs=1000), (mux, row)


def first_times(clip: Path) -> dict[str, float]:
    """Seconds at which the first keyframe and the first audio stand in the clip."""
    found: dict[str, float] = {}
    with av.open(str(clip)) as container:
        for packet in container.demux():
            if packet.pts is not None and (packet.stream.type == "audio" or packet.is_keyframe):
                found.setdefault(packet.stream.type, float(packet.pts * packet.time_base))
    return found
