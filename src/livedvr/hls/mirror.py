"""An HLS source as our own fetcher serves it: each URL below one of loopback, in playlists too (SEMANTICS I6). Pure.

``https://tv.example/a.m3u8?b`` is ``http://127.0.0.1:PORT/TOKEN/https/tv.example/a.m3u8?b``: as long as it was, with
the name that tells ffmpeg what is in it, and to be turned back without anything that would have to be remembered.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin

from livedvr.hls.attributes import format_attributes, parse_attributes, quoted
from livedvr.hls.rules_tags import ATTRIBUTE_TAGS, TAGS

REFUSED = "refused"  # in the place of a scheme: what is no URL of HTTP
BEGINNING = b"#EXTM3U"

_MIRRORED = re.compile(r"http://127\.0\.0\.1:\d+/[A-Za-z0-9_-]{43}/(https?)/")
_URL = re.compile(r"(https?)://([^#]*)(?:#.*)?", re.DOTALL | re.IGNORECASE)
_BELOW = re.compile(r"(https?)/(.+)", re.DOTALL)
_SAFE = "%/:=&?~+!$,;'@()*[]"  # what may stand in a URL as it is (RFC 3986 2.2), `#` apart
_LINE_ENDS = re.compile(r"[\r\0]")  # ffmpeg ends a line at these, too
_CONTROLS = re.compile(r"[\x01-\x09\x0b-\x1f\x7f]")


def mirrored(url: str, mirror: str) -> str:
    """Where an absolute URL is found below the mirror's own."""
    found = _URL.fullmatch(url)
    return f"{mirror}/{found[1].lower()}/{plain(found[2])}" if found else f"{mirror}/{REFUSED}/{quote(url, safe='')}"


def below(path: str) -> str | None:
    """The URL that a request's path and query (without the token) mean; None: it was none of HTTP."""
    found = _BELOW.fullmatch(path)
    return f"{found[1]}://{found[2]}" if found else None


def original(text: str) -> str:
    """A text (a URL, a line of ffmpeg's log) with the source's own URLs in the place of a mirror's, whichever it is."""
    return _MIRRORED.sub(r"\1://", text)


def plain(url: str) -> str:
    """A URL in ASCII, without anything that would need quotes; what is encoded already stays."""
    return quote(url, safe=_SAFE)


def mirrored_playlist(text: str, url: str, mirror: str) -> str:
    """A playlist from ``url`` (after redirects) with each URI in it below the mirror.

    It is written anew and not patched: ffmpeg must find no line and no attribute in it that is not found here. So
    comments go, and attributes that are not well formed, or that have a backslash, which ffmpeg takes for an escape.
    """
    lines = (line.strip() for line in _CONTROLS.sub("", _LINE_ENDS.sub("\n", text.removeprefix("\ufeff"))).split("\n"))
    return "".join(f"{_line(line, url, mirror)}\n" for line in lines if line and not _is_comment(line))


def _is_comment(line: str) -> bool:
    return line.startswith("#") and not line.startswith("#EXT")


def _line(line: str, url: str, mirror: str) -> str:
    if not line.startswith("#"):
        return mirrored(_joined(url, line), mirror)
    name, _, value = line[1:].partition(":")
    if name not in ATTRIBUTE_TAGS and (name in TAGS or "URI=" not in value):
        return line
    kept = {
        key: quoted(mirrored(_joined(url, one.strip('"')), mirror)) if key == "URI" or key.endswith("-URI") else one
        for key, one in parse_attributes(value).items()
        if "\\" not in one
    }
    return f"#{name}:{format_attributes(kept)}"


def _joined(base: str, uri: str) -> str:
    try:
        return urljoin(base, uri)
    except ValueError:  # no URI: it is asked for as it stands, and refused
        return uri
