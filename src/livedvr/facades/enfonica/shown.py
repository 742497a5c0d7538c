"""A recording, and a call, as Enfonica's clients see them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from livedvr.facades.enfonica.audio_uris import AudioUris
from livedvr.facades.enfonica.messages import Call
from livedvr.facades.enfonica.messages import Recording as RecordingMessage
from livedvr.recordings.end_point import EndReason
from livedvr.recordings.states import ENDED, State
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording, RecordingFile, RecordingFormat

DIALECT = "enfonica"
FORMATS: tuple[RecordingFormat, ...] = ("WAV", "MP3")  # of a recording that has been made: always both
_ENCODINGS: Mapping[str, str] = {"WAV": "AUDIO_ENCODING_PCM_16BIT", "MP3": "AUDIO_ENCODING_MP3"}
_MOST_BYTES = 2**31 - 1  # size_bytes is an int32


def is_shown(recording: Recording) -> bool:
    """Whether Enfonica would have it: sound in both formats, and not given up."""
    return set(FORMATS) <= set(recording.spec.formats) and recording.state != State.CANCELED


def state_of(recording: Recording) -> tuple[str, str | None]:
    """State and, of a FAILED one, its error code."""
    state = State(recording.state)
    if state not in ENDED:
        return "PENDING", None
    if state is State.FAILED:
        return "FAILED", "INTERNAL_ERROR"
    if recording.end_reason == EndReason.IDLE:  # its encoder has vanished, or never came
        return "FAILED", "TIMEOUT"
    return ("EMPTY" if state is State.EMPTY else "SUCCEEDED"), None


def recording_message(
    recording: Recording, project: str, call: str, *, is_call: bool, uris: AudioUris | None = None, now: int = 0
) -> Any:
    """The recording. ``is_call``: CreateCall has made it; ``uris``: of its audio, in the view FULL alone."""
    state, error = state_of(recording)
    name = f"projects/{project}/calls/{call}/recordings/{recording.recording_id}"
    shown = RecordingMessage(name=name, state=state, source="CALL_RECORDING" if is_call else "RECORD_ACTION")
    _set_time(shown.create_time, recording.create_time)
    if recording.spec.trim_silence:
        shown.post_processing.append("TRIM_SILENCE")
    if error is not None:
        shown.error_code = error
    told = next((one.uri for one in recording.spec.notify if one.dialect == DIALECT), None)
    if told is not None:
        shown.ready_uri = told
    if state == "SUCCEEDED":
        shown.duration.FromTimedelta(recording.duration)
        _set_time(shown.start_time, recording.start_time)
        for i, file in enumerate(recording.files):
            if file.format in FORMATS:
                shown.channel_count = file.channels or 0
                _add_audio(shown, file)
                if uris is not None:
                    shown.audio[-1].uri = uris.make(f"{call}/{recording.recording_id}/{i}", now)
    return shown


def _add_audio(shown: Any, file: RecordingFile) -> None:
    shown.audio.add(
        mime_type=file.mime_type,
        encoding=_ENCODINGS[file.format],
        sample_rate=file.sample_rate or 0,
        size_bytes=min(file.size_bytes, _MOST_BYTES),
    )


def call_message(given: Any, name: str, created: int, recording: Recording | None) -> Any:
    """The call. ``given``: as it was asked for; ``recording``: None when that has been deleted."""
    shown = Call(name=name, direction="OUTGOING", create_method="API", state=_call_state(recording))
    for field in ("to", "from", "is_private", "labels", "options"):
        given_field = Call(**{field: getattr(given, field)})
        shown.MergeFrom(given_field)
    if given.is_private:
        shown.ClearField("from")
    shown.create_time.FromMicroseconds(created)
    shown.start_time.FromMicroseconds(created)
    if recording is not None and recording.start_time is not None:
        _set_time(shown.answer_time, recording.spans[0].start_time)
    if recording is not None and recording.spans and recording.spans[-1].end_time is not None:
        _set_time(shown.end_time, recording.spans[-1].end_time)
    return shown


def _call_state(recording: Recording | None) -> str:
    """A channel that brings media has answered; the call is over when its recording is."""
    if recording is None:
        return "COMPLETED"
    state, answered = State(recording.state), recording.start_time is not None
    if state not in ENDED and state is not State.FINALIZING:
        return "IN_PROGRESS" if answered else "STARTING"
    if answered:
        return "COMPLETED"
    return "NOT_ANSWERED" if recording.end_reason == EndReason.IDLE else "FAILED"


def _set_time(target: Any, time: datetime | None) -> None:
    if time is not None:
        target.FromMicroseconds(to_micros(time))
