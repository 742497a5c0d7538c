"""Where everything lies below a channel's output (SEMANTICS O3, O4). Object names, always with forward slashes."""

from __future__ import annotations

import re
from typing import Literal

from livedvr.resources.errors import InvalidArgument

Container = Literal["fmp4", "ts", "vtt"]  # the last for text alone

SUFFIX: dict[Container, str] = {"fmp4": "m4s", "ts": "ts", "vtt": "vtt"}

# The name of a segment inside its run, as ffmpeg's segment muxer counts it.
SEGMENT_PATTERN: dict[Container, str] = {c: f"segment-%06d.{suffix}" for c, suffix in SUFFIX.items()}

INIT_NAME = "init.mp4"

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


def check_id(value: str, *, field: str) -> str:
    """A resource id as the Live Stream API's requests demand it: ``[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`` (O2)."""
    if not _ID.fullmatch(value):
        raise InvalidArgument(
            f"'{value}' is not an id",
            field=field,
            hint="1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last",
        )
    return value


def check_key(value: str, *, field: str) -> str:
    """A key within a channel, as the Live Stream API has it: ``[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?`` (O1)."""
    if not _KEY.fullmatch(value):
        raise InvalidArgument(
            f"'{value}' is not a key",
            field=field,
            hint="1 to 63 letters, digits, hyphens and underscores, with a letter or digit first and last",
        )
    return value


def run_folder(mux: str, run: str) -> str:
    """``av/20261121T021500Z-k3f9``."""
    return f"{mux}/{run}"


def segment_name(mux: str, run: str, index: int, container: Container) -> str:
    """``av/20261121T021500Z-k3f9/segment-000000.m4s`` (O4). A negative index names what will never be there (P7)."""
    before, behind = segment_affixes(mux, run, container, is_gap=index < 0)
    return f"{before}{-1 - index if index < 0 else index:06d}{behind}"


def segment_affixes(mux: str, run: str, container: Container, *, is_gap: bool) -> tuple[str, str]:
    """What stands in `segment_name` before and behind the six digits, the same for all segments, or gaps, of a run."""
    before, behind = SEGMENT_PATTERN[container].split("%06d")
    return f"{run_folder(mux, run)}/{'gap-' if is_gap else before}", behind


def init_name(mux: str, run: str) -> str:
    """``av/20261121T021500Z-k3f9/init.mp4`` (O4)."""
    return f"{run_folder(mux, run)}/{INIT_NAME}"


def session_folder(session: str) -> str:
    """``dvr/<session>`` (O3)."""
    return f"dvr/{session}"


def multivariant_name(session: str, file_name: str) -> str:
    """``dvr/<session>/main.m3u8`` (O3)."""
    return f"{session_folder(session)}/{file_name}"


def media_playlist_name(session: str, mux: str, edition: int) -> str:
    """``dvr/<session>/av/index-1.m3u8`` (O3, O6)."""
    return f"{session_folder(session)}/{mux}/index-{edition}.m3u8"


def live_playlist_name(mux: str) -> str:
    """``av/index-1.m3u8``: the channel's own live playlist of a mux stream, beside its segments (O5)."""
    return f"{mux}/index-1.m3u8"


def cache_control(name: str, *, sealed: bool) -> str:
    """How long a cache may keep an object (O6): as its address is never given other content, except by appending.

    ``sealed``: it is a media playlist with its ENDLIST.
    """
    if not name.endswith(".m3u8"):
        return "max-age=31536000, immutable"
    return "max-age=3600" if sealed else "no-cache"


_CONTENT_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",  # RFC 8216bis 4
    "mp4": "video/mp4",
    "m4s": "video/iso.segment",
    "ts": "video/mp2t",
    "vtt": "text/vtt",
    "wav": "audio/x-wav",  # recordings, as `MIME_TYPES` there
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
}


def content_type(name: str) -> str:
    """The media type of an object by its name."""
    return _CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def has_content_type(name: str) -> bool:
    """Whether it is the name of a playlist or of media."""
    return name.rpartition(".")[2] in _CONTENT_TYPES


# From a session's media playlist up to the channel's output, where the segments are (O3: nothing is copied).
UP_TO_OUTPUT = "../../../"
# The same from a live playlist (O5).
LIVE_UP_TO_OUTPUT = "../"
