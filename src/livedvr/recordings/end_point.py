"""Where a recording ends. Pure: the task, the timeline's frontier, what has been heard, and now; UTC microseconds.

Whatever comes first ends it, and nothing ends it before it is certain that nothing else came earlier: media, and what
is heard in it, arrive later than they happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from livedvr.recordings.spans import Spans, is_open, position, recorded, within
from livedvr.resources.recording import RecordingLimits

MOST_KEYS = 16  # of a stop tone


class EndReason(StrEnum):
    """Why a recording has ended. Of two that hold at the same instant the first of these counts."""

    STOP_TONE = "STOP_TONE"
    INITIAL_SILENCE = "INITIAL_SILENCE"
    MAX_SILENCE = "MAX_SILENCE"
    MAX_DURATION = "MAX_DURATION"
    MAX_TIME = "MAX_TIME"
    IDLE = "IDLE"
    REQUESTED = "REQUESTED"
    CHANNEL_STOPPED = "CHANNEL_STOPPED"
    PROMPT_FAILED = "PROMPT_FAILED"


@dataclass(frozen=True, slots=True)
class Tone:
    """A key of a telephone: its character, and from when to when it was heard."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is heard in a stretch of the stream: when somebody speaks (or anything else is above the noise), and keys.

    ``until``: up to where was listened. ``audible``: when it was not wholly silent.
    """

    until: int
    voices: tuple[tuple[int, int], ...] = ()
    tones: tuple[Tone, ...] = ()
    audible: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What has been heard of a recording: bounded, whatever its length.

    ``voiced``: when the first voice began, ``silent``: when the last one ended (or how far it has come); both None
    before there was one. ``keys``: the last ones. ``is_audible``: whether anything was, noise or not.
    ``patience``: how long a silence is too long, microseconds; once there was one, later voices change nothing.
    """

    until: int
    patience: int | None = None
    voiced: int | None = None
    silent: int | None = None
    keys: tuple[Tone, ...] = ()
    is_audible: bool = False

    def hear(self, sounds: Sounds, spans: Spans) -> Heard:
        """With what comes next, as far as it is recorded."""
        voiced, silent = self.voiced, self.silent
        for start, end in sounds.voices:
            for window in within(spans, start, end):
                if silent is not None and self.patience is not None:
                    gap = recorded(spans, window.start) - recorded(spans, silent)
                    if gap >= self.patience:
                        break
                voiced = window.start if voiced is None else voiced
                silent = max(silent or 0, window.end or 0)
        new = (tone for tone in sounds.tones if within(spans, tone.start, tone.end))
        return replace(
            self,
            until=max(self.until, sounds.until),
            voiced=voiced,
            silent=silent,
            keys=(*self.keys, *new)[-MOST_KEYS:],
            is_audible=self.is_audible or any(within(spans, *one) for one in sounds.audible),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to be ended. ``created``: when it was asked for; ``stopped``: when somebody asked for its end, or
    the channel was stopped, and which of the two."""

    created: int
    spans: Spans
    limits: RecordingLimits
    stopped: tuple[int, EndReason] | None = None


@dataclass(frozen=True, slots=True)
class EndPoint:
    """Where it ends, and why."""

    at: int
    reason: EndReason


def end_of(task: Task, media_end: int | None, frontier: int | None, heard: Heard | None, now: int) -> EndPoint | None:
    """The recording's end, if it has one by now.

    Args:
        media_end: where the timeline's newest media ends; None without any.
        frontier: no segment that is still to come starts before it; None: unknown.
        heard: None where nobody listens, for the channel has no sound.
    """
    found = [*_by_time(task, media_end, frontier, heard, now), *(_by_ear(task, heard) if heard else ())]
    return min(found, key=lambda one: (one.at, list(EndReason).index(one.reason)), default=None)


def _by_time(
    task: Task, media_end: int | None, frontier: int | None, heard: Heard | None, now: int
) -> Iterator[EndPoint]:
    limits = task.limits
    if task.stopped is not None:
        yield EndPoint(*task.stopped)
    if limits.max_time is not None and now >= (at := task.created + _micros(limits.max_time)):
        yield EndPoint(at, EndReason.MAX_TIME)
    if limits.max_duration is not None and task.spans and (media_end or 0) > task.spans[0].start:
        full = position(task.spans, _micros(limits.max_duration))
        known = heard.until if heard is not None and limits.hears else now
        if full is not None and known >= full:
            yield EndPoint(full, EndReason.MAX_DURATION)
    if limits.max_idle is not None and is_open(task.spans):
        silent_since = max(task.spans[-1].start, media_end or 0)
        if frontier is not None and frontier >= (at := silent_since + _micros(limits.max_idle)):
            yield EndPoint(at, EndReason.IDLE)


def _by_ear(task: Task, heard: Heard) -> Iterator[EndPoint]:
    limits, spans = task.limits, task.spans
    for stop in limits.stop_tones:
        start = _found(stop, heard.keys)
        if start is not None:
            yield EndPoint(max(start, spans[0].start), EndReason.STOP_TONE)
    if limits.initial_silence is not None:
        at = position(spans, _micros(limits.initial_silence))
        if at is not None and heard.until >= at and (heard.voiced is None or heard.voiced >= at):
            yield EndPoint(at, EndReason.INITIAL_SILENCE)
    if limits.max_silence is not None and heard.silent is not None:
        at = position(spans, recorded(spans, heard.silent) + _micros(limits.max_silence))
        if at is not None and heard.until >= at:
            yield EndPoint(at, EndReason.MAX_SILENCE)


def _found(stop: str, keys: tuple[Tone, ...]) -> int | None:
    """When the first key of a sequence began to sound, if it has been heard to its end."""
    text = "".join(tone.key for tone in keys)
    at = text.find(stop)
    return keys[at].start if at >= 0 else None


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
