"""A task that is asked for as a recording. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from livedvr.facades.zego.params import StartRecord
from livedvr.facades.zego.supported import AUDIO, BOTH, SEPARATE, SOUND_ALONE, VIDEO
from livedvr.facades.zego.task import Task
from livedvr.resources.recording import (
    HlsOptions,
    Notify,
    RecordingFormat,
    RecordingLimits,
    RecordingSpec,
    Tracks,
)

TRACK_NAMES: Mapping[int, str] = {AUDIO: "A", VIDEO: "V", BOTH: "VA"}  # by StreamType, and MediaTrackType
FORMATS: dict[str, RecordingFormat] = {"mp4": "MP4", "hls": "HLS", "aac": "AAC", "mp3": "MP3"}


def spec_of(asked: StartRecord, task: Task, folder: str, dialect: str) -> RecordingSpec:
    """``folder``: where the vendor's bucket would be; ``dialect``: in whose words is told what happens."""
    given, output = asked.record_input_params, asked.record_output_params
    formats, tracks = _files(task)
    urls = [output.callback_url] if output.callback_url else []
    return RecordingSpec(
        output_uri=folder,
        file_stem=task.stem,
        formats=formats,
        tracks=tracks,
        track_names=(TRACK_NAMES[BOTH], TRACK_NAMES[AUDIO], TRACK_NAMES[VIDEO]),
        hls=HlsOptions(container="ts", segment_seconds=output.fragment_seconds, segment_stem=task.stem)
        if "HLS" in formats
        else HlsOptions(),
        split_at_pauses=not given.resume_without_interruption,
        keep_silence=True,
        limits=RecordingLimits(
            max_time=timedelta(seconds=given.max_record_time), max_idle=timedelta(seconds=given.max_idle_time)
        ),
        notify=tuple(Notify(uri=url, dialect=dialect, context={"task": task.json()}) for url in urls),
    )


def _files(task: Task) -> tuple[tuple[RecordingFormat, ...], Tracks]:
    """Sound and pictures apart are an MP4 and an AAC; in HLS there are two of it."""
    one = FORMATS[task.kind]
    if task.stream_type == SEPARATE:
        return ((one,), "SEPARATE") if task.kind == "hls" else ((one, "AAC"), "VIDEO")
    if task.kind in SOUND_ALONE:
        return (one,), "AV"
    return (one,), "AUDIO" if task.stream_type == AUDIO else "VIDEO" if task.stream_type == VIDEO else "AV"
