"""An operation as its client sees it, of the recording behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livedvr.recordings.end_point import EndReason
from livedvr.recordings.states import ENDED, State
from livedvr.resources.recording import Notify, Recording

TYPES = {
    "record": "#microsoft.graph.recordOperation",
    "recordResponse": "#microsoft.graph.recordOperation",
    "playPrompt": "#microsoft.graph.playPromptOperation",
    "cancelMediaProcessing": "#microsoft.graph.cancelMediaProcessingOperation",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation has ended. ``code``: as HTTP's, ``subcode``: the media service's."""

    reason: str
    code: int
    subcode: int
    message: str

    @property
    def status(self) -> str:
        """Completed or failed."""
        return "completed" if self.code == 200 else "failed"


CANCELED = Outcome("operationCanceled", 400, 8508, "Action failed, the operation was cancelled.")
TERMINATED = Outcome("operationCanceled", 400, 8528, "Action failed, the call was terminated.")
PROMPT_FAILED = Outcome("playPromptFailed", 500, 8511, "Action failed, the prompt could not be played.")
BAD_PROMPT = Outcome("playPromptFailed", 500, 8535, "Action failed, the prompt is not a wav of 16 kHz, 16 bit, mono.")
LOST_PROMPT = Outcome("playPromptFailed", 500, 8536, "Action failed, the prompt could not be downloaded.")
NO_MEDIA = Outcome("mediaReceiveTimeout", 500, 8513, "Action failed, no media was received.")
OTHER = Outcome("unspecifiedError", 500, 9999, "Action failed, unspecified error.")
PLAYED = Outcome("completedSuccessfully", 200, 0, "Action completed.")

_ENDS: Mapping[str, Outcome] = {
    EndReason.STOP_TONE: Outcome("stopToneDetected", 200, 8514, "Action completed, stop tone detected."),
    EndReason.MAX_DURATION: Outcome(
        "maxRecordDurationReached", 200, 8515, "Action completed, max record duration reached."
    ),
    EndReason.MAX_SILENCE: Outcome("maxSilenceTimeout", 200, 8509, "Action completed, max silence timeout reached."),
    EndReason.INITIAL_SILENCE: Outcome(
        "initialSilenceTimeout", 400, 8510, "Action failed, initial silence timeout reached."
    ),
    EndReason.IDLE: NO_MEDIA,
    EndReason.CHANNEL_STOPPED: TERMINATED,
    EndReason.REQUESTED: TERMINATED,
}
_PROMPTS: Mapping[str, Outcome] = {
    "INVALID_ARGUMENT": BAD_PROMPT,
    "PERMISSION_DENIED": LOST_PROMPT,
    "UNAVAILABLE": LOST_PROMPT,
}
# What a prompt's end is called in beta.
_PLAYED = {"completedSuccessfully": "completedSuccessfully", "operationCanceled": "mediaOperationCanceled"}


def context_of(recording: Recording) -> Notify:
    """Whom it was asked for: who is told of it, and what `described` needs."""
    return recording.spec.notify[0]


def outcome(recording: Recording) -> Outcome | None:
    """How it has ended; None: it has not."""
    if recording.state not in ENDED:
        return None
    if recording.state == State.CANCELED:
        return CANCELED
    if recording.end_reason == EndReason.PROMPT_FAILED:
        return _PROMPTS.get((recording.error or "").partition(":")[0], PROMPT_FAILED)
    if recording.state == State.FAILED:
        return OTHER
    if not recording.spec.formats:
        return PLAYED if recording.end_reason is None else TERMINATED
    found = _ENDS.get(recording.end_reason or "", OTHER)
    heard_nothing = recording.start_time is None and found is not TERMINATED
    return NO_MEDIA if heard_nothing else found


def status_of(recording: Recording) -> str:
    """Of the operation."""
    found = outcome(recording)
    if found is not None:
        return found.status
    return "notStarted" if recording.state == State.QUEUED else "running"


def has_location(recording: Recording) -> bool:
    """Whether what was recorded can be fetched."""
    found = outcome(recording)
    return found is not None and bool(recording.files) and (found.status == "completed" or found is NO_MEDIA)


def described(recording: Recording, access_token: str | None) -> dict[str, Any]:
    """The operation. ``access_token``: of what was recorded, if there is something."""
    context = context_of(recording).context
    kind, found = context["kind"], outcome(recording)
    shown = answer(kind, recording.recording_id, status_of(recording), context["clientContext"], found)
    if kind in ("record", "recordResponse"):
        nothing = None if found is None else ""
        location = f"{context['url']}/recordings/{context['call']}/{recording.recording_id}"
        shown["recordingLocation"] = location if access_token else nothing
        shown["recordingAccessToken"] = access_token or nothing
    if kind == "record":
        shown["completionReason"] = found and found.reason
    elif kind == "playPrompt" and context["version"] == "beta":
        shown["completionReason"] = found and _PLAYED.get(found.reason, "unknown")
    return shown


def answer(kind: str, name: str, status: str, client_context: str, found: Outcome | None) -> dict[str, Any]:
    """What all operations have."""
    info = found and {
        "@odata.type": "#microsoft.graph.resultInfo",
        "code": found.code,
        "subcode": found.subcode,
        "message": found.message,
    }
    return {
        "@odata.type": TYPES[kind],
        "id": name,
        "status": status,
        "clientContext": client_context or None,
        "resultInfo": info,
    }
