"""Recordings of a real channel: started, stopped, paused, ended by what is heard; the files they come to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import channel
from live import until_state
from livedvr import (
    Input,
    LiveDvr,
    Notify,
    Recording,
    RecordingLimits,
    RecordingSpec,
    WebhookPolicy,
)
from livedvr.check.run import run_check
from livedvr.cli import main
from livedvr.resources.models import to_micros
from livedvr.timeline.segment import Segment
from offline import check_facts, clip_with_sound, decoding_errors
from receiver import Receiver

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]


def media_within(recording: Recording, segments: Sequence[Segment]) -> float:
    """Of how many seconds of a recording there is media: of a busy machine's stream there are holes (C3)."""
    found = 0
    for one in recording.spans:
        assert one.start_time is not None and one.end_time is not None
        start, end = to_micros(one.start_time), to_micros(one.end_time)
        found += sum(max(0, min(end, segment.end) - max(start, segment.start)) for segment in segments)
    return found / 1e6


async def test_from_start_to_files_with_a_pause(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        spec = RecordingSpec(output_uri=str(tmp_path / "files"), formats=("WAV", "MP3", "AAC", "MP4", "HLS"))
        asked = await dvr.recordings.start("live", "take", spec)
        hls = asked.spec.output_uri + "/take/main.m3u8"
        assert asked.state == "IDLE"
        two = RecordingLimits(max_duration=timedelta(seconds=2))
        telephone = RecordingSpec(formats=("WAV",), sample_rate=8000, mono=True, limits=two)
        await dvr.recordings.start("live", "short", telephone)
        await until_state(dvr.recordings.watch("live", "take"), "RECORDING")
        paused = await dvr.recordings.pause("live", "take")
        await asyncio.sleep(1)  # what lies in it is not in the files
        await dvr.recordings.resume("live", "take")
        short = await until_state(dvr.recordings.watch("live", "short"), "SUCCEEDED")
        await asyncio.sleep(1)
        asked_of_owner = ["recording", "list", "--data-dir", str(tmp_path / "data"), "--json"]
        listed = await asyncio.to_thread(CliRunner().invoke, main, asked_of_owner)
        assert [one["recordingId"] for one in json.loads(listed.stdout)] == ["take", "short"], listed.output
        stopped = await dvr.recordings.stop("live", "take")
        assert (paused.state, stopped.state, stopped.end_reason) == ("PAUSED", "FINALIZING", "REQUESTED")
        take = await until_state(dvr.recordings.watch("live", "take"), "SUCCEEDED")
        segments = list((await dvr.runtime("live")).known.timeline.segments("av"))

    (span,) = short.spans
    assert span.start_time is not None and span.end_time is not None and short.end_reason == "MAX_DURATION"
    assert span.end_time - span.start_time == timedelta(seconds=2)
    assert (short.files[0].sample_rate, short.files[0].channels) == (8000, 1)
    assert short.files[0].size_bytes == pytest.approx(44 + 2 * 8000 * media_within(short, segments), abs=4), "a sample"
    length = media_within(take, segments)
    assert len(take.spans) == 2 and length > 2
    assert take.duration.total_seconds() == pytest.approx(length, abs=0.002)
    for file in take.files:
        assert file.duration.total_seconds() == pytest.approx(length, abs=0.12), file
    for file in (*take.files[:4], *short.files):
        check_facts(file, MP3=0.06, AAC=0.5)
        assert file.format in ("WAV", "AAC") or decoding_errors(wheel_ffmpeg, Path(file.uri)) == ""
    report = run_check(hls, deep=True)
    assert report.ok and take.files[4].uri == hls, report


def a_call(ffmpeg: str, path: Path) -> None:
    """Two seconds of silence, a voice for two, silence for three, the key # for 0.2 s, silence: 9 s, with a picture."""
    voice = "0.3*sin(2*PI*220*t)*between(t,2,4)"
    tone = "0.2*(sin(2*PI*941*t)+sin(2*PI*1477*t))*between(t,7,7.2)"
    clip_with_sound(ffmpeg, path, f"{voice}+{tone}", seconds=9)


async def test_what_is_heard_ends_it_and_who_asked_is_told(wheel_ffmpeg: str, tmp_path: Path) -> None:
    a_call(wheel_ffmpeg, tmp_path / "call.mp4")
    async with (
        Receiver() as receiver,
        LiveDvr(tmp_path / "data", webhooks=WebhookPolicy.of([receiver.authority])) as dvr,
    ):
        await dvr.channels.create(channel(str(tmp_path / "out"), input=Input(uri=str(tmp_path / "call.mp4"))))
        notify = (Notify(uri=receiver.uri()),)
        seconds = timedelta(seconds=1)
        asked = {
            "tone": RecordingLimits(stop_tones=("#",)),
            "quiet": RecordingLimits(initial_silence=1.5 * seconds),
            "pause": RecordingLimits(max_silence=2 * seconds),
        }
        for name, limits in asked.items():
            spec = RecordingSpec(formats=("WAV",), sample_rate=16000, mono=True, limits=limits, notify=notify)
            await dvr.recordings.start("live", name, spec)
        trimmed = RecordingSpec(formats=("WAV",), limits=RecordingLimits(max_duration=6.5 * seconds), trim_silence=True)
        await dvr.recordings.start("live", "trimmed", trimmed)
        await dvr.channels.start("live")
        ended = {
            name: await until_state(dvr.recordings.watch("live", name), "SUCCEEDED", "EMPTY")
            for name in (*asked, "trimmed")
        }
        got = await receiver.wait(3)
        first = (await dvr.runtime("live")).known.timeline.segments("av")[0]

    assert {name: one.end_reason for name, one in ended.items()} == {
        "tone": "STOP_TONE",
        "quiet": "INITIAL_SILENCE",
        "pause": "MAX_SILENCE",
        "trimmed": "MAX_DURATION",
    }
    lengths = {name: one.duration.total_seconds() for name, one in ended.items()}
    assert ended["quiet"].state == "EMPTY" and ended["quiet"].files == ()
    start = ended["tone"].start_time
    assert start is not None
    later = to_micros(start) - first.start  # it was asked for when the first second was under way
    assert lengths["tone"] == pytest.approx(7.0 - later / 1e6, abs=0.03), "cut where the tone begins"
    assert lengths["pause"] == pytest.approx(6.0 - later / 1e6, abs=0.1)
    assert lengths["trimmed"] == pytest.approx(2.0, abs=0.12)
    told = {posted.json()["recordingId"]: posted.headers["x-livedvr-event"] for posted in got}
    assert told == {"tone": "RECORDING_SUCCEEDED", "quiet": "RECORDING_EMPTY", "pause": "RECORDING_SUCCEEDED"}
