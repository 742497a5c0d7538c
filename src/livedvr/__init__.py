"""livedvr: a self-hosted DVR for live streams.

`LiveDvr` is the whole product as one object, `record` one recording from a script. The rest are the resources
they take and give, and the base of all errors. Names are imported when they are used: `livedvr --help` starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedvr.app import LiveDvr
    from livedvr.recording import RecordResult, record
    from livedvr.resources.clip import Clip, TimeSlice
    from livedvr.resources.errors import LiveDvrError
    from livedvr.resources.gateway import Gateway
    from livedvr.resources.models import (
        Channel,
        DvrSession,
        Gap,
        Input,
        Manifest,
        Output,
        TimeInterval,
    )
    from livedvr.resources.pull_policy import PullPolicy
    from livedvr.resources.recording import (
        HlsOptions,
        Notify,
        Recording,
        RecordingFile,
        RecordingLimits,
        RecordingSpec,
    )
    from livedvr.resources.streams import (
        AudioStream,
        ElementaryStream,
        MuxStream,
        TextStream,
        VideoStream,
        video_and_audio,
    )
    from livedvr.resources.webhook_policy import WebhookPolicy

__all__ = [
    "AudioStream",
    "Channel",
    "Clip",
    "DvrSession",
    "ElementaryStream",
    "Gap",
    "Gateway",
    "HlsOptions",
    "Input",
    "LiveDvr",
    "LiveDvrError",
    "Manifest",
    "MuxStream",
    "Notify",
    "Output",
    "PullPolicy",
    "RecordResult",
    "Recording",
    "RecordingFile",
    "RecordingLimits",
    "RecordingSpec",
    "TextStream",
    "TimeInterval",
    "TimeSlice",
    "VideoStream",
    "WebhookPolicy",
    "record",
    "video_and_audio",
]

_MODELS = "livedvr.resources.models"
_STREAMS = "livedvr.resources.streams"
_HOMES = {
    **dict.fromkeys(("AudioStream", "ElementaryStream", "MuxStream", "TextStream", "VideoStream"), _STREAMS),
    "video_and_audio": _STREAMS,
    **dict.fromkeys(("Clip", "TimeSlice"), "livedvr.resources.clip"),
    "Gateway": "livedvr.resources.gateway",
    "PullPolicy": "livedvr.resources.pull_policy",
    "WebhookPolicy": "livedvr.resources.webhook_policy",
    **dict.fromkeys(
        ("HlsOptions", "Notify", "Recording", "RecordingFile", "RecordingLimits", "RecordingSpec"),
        "livedvr.resources.recording",
    ),
    "LiveDvr": "livedvr.app",
    "LiveDvrError": "livedvr.resources.errors",
    "RecordResult": "livedvr.recording",
    "record": "livedvr.recording",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'livedvr' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES.get(name, _MODELS)), name)
