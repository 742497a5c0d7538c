"""The playlist of an HLS recording. Pure text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from livedvr.hls.media_playlist import head_lines
from livedvr.resources.recording import HlsOptions
from livedvr.resources.times import SECOND, format_seconds, round_half_up

_LISTED = re.compile(r"#EXTINF:(\d+)\.(\d{6}),\n(.+)\n")
_IN_PATHS = "!$&'()*+,;=@~"  # may stand there as they are (RFC 3986 3.3), and ffmpeg opens files by what is listed
_URI = re.compile(r'^(?:#EXT-X-MAP:URI="([^"]+)".*|([^#\n].*))$', re.MULTILINE)


def read_listed(text: str) -> list[tuple[str, int]]:
    """The segments of a playlist that ffmpeg has written, and how long each is, microseconds."""
    return [(name, int(whole) * SECOND + int(part)) for whole, part, name in _LISTED.findall(text)]


def read_names(text: str) -> list[str]:
    """What a playlist of `draw` lists, its init segment too."""
    return [unquote(initial or listed) for initial, listed in _URI.findall(text)]


def draw(options: HlsOptions, header: Sequence[str], init: str | None, segments: Sequence[tuple[str, int]]) -> str:
    """A whole presentation (RFC 8216bis 4.4.3.5). ``header``: further lines for its head; ``segments``: names, and
    how long they are, microseconds."""
    target = max(round_half_up(duration) for _, duration in segments)
    lines = [*head_lines(options.container, max(1, target)), "#EXT-X-PLAYLIST-TYPE:VOD", *header]
    if init is not None:
        lines.append(f'#EXT-X-MAP:URI="{quote(init, _IN_PATHS)}"')
    for name, duration in segments:
        lines += [f"#EXTINF:{format_seconds(duration)},", quote(name, _IN_PATHS)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])
