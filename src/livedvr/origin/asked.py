"""What the query of a ``/live`` address asks for. Pure: the instant is an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from livedvr.resources.errors import InvalidArgument
from livedvr.resources.times import format_seconds, format_time, parse_offset, parse_time
from livedvr.timeline.segment import Window

DIRECTIVE = "_HLS_"  # what begins so is the specification's (RFC 8216bis 6.2.5), and ignored where it is not known
_KNOWN = ("start", "end", "delay", "manifest", "target")
MOST_TARGET = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """A window of the timeline, or (``window`` None) the live end of it, ``delay`` microseconds behind.

    ``manifest``: a key, ``target``: the target duration in seconds that main.m3u8 was drawn with; only below it.
    """

    window: Window | None
    delay: int = 0
    manifest: str | None = None
    target: int | None = None

    @property
    def query(self) -> str:
        """The same once more, with absolute times: so that each reload asks for the same."""
        values: dict[str, str] = {}
        if self.manifest is not None:
            values["manifest"] = self.manifest
        if self.window is None:
            values["delay"] = format_seconds(self.delay).rstrip("0").rstrip(".")
        else:
            values["start"] = format_micros(self.window.start)
            if self.window.end is not None:
                values["end"] = format_micros(self.window.end)
        if self.target is not None:
            values["target"] = str(self.target)
        return f"?{urlencode(values, safe=':')}"


@dataclass(frozen=True, slots=True)
class Directives:
    """Delivery directives (RFC 8216bis 6.2.5): wait for the segment ``msn``; ``skip`` what is old."""

    msn: int | None = None
    skip: bool = False


def read_asked(query: Iterable[tuple[str, str]], now: int, *, relative: bool) -> Asked:
    """INVALID_ARGUMENT names the parameter. ``relative``: ``-10m`` and ``now`` are times here, too.

    A media playlist is loaded again and again and has to stay the same window; main.m3u8 names it with absolute times.
    """
    values: dict[str, str] = {}
    for name, value in query:
        if name.startswith(DIRECTIVE):
            continue
        if name not in _KNOWN:
            raise InvalidArgument("there is no such parameter", field=name, hint="start and end, or delay")
        if name in values:
            raise InvalidArgument("it is given twice", field=name)
        values[name] = value
    manifest, target = values.get("manifest"), _target(values.get("target"))
    if "start" in values or "end" in values:
        return Asked(_window(values, now, relative), 0, manifest, target)
    delay = parse_offset(values.get("delay", "0"), field="delay")
    if delay < 0:
        raise InvalidArgument(f"'{values['delay']}' is ahead of the live end", field="delay", hint="write 30 or 2m")
    return Asked(None, delay, manifest, target)


def read_directives(query: Iterable[tuple[str, str]]) -> Directives:
    """INVALID_ARGUMENT names the directive. What EXT-X-SERVER-CONTROL does not offer is ignored (6.2.5)."""
    values = dict(query)
    msn = values.get("_HLS_msn")
    if msn is None and "_HLS_part" in values:
        raise InvalidArgument("a part of which segment?", field="_HLS_part", hint="_HLS_msn says it (6.2.5.2)")
    skip = values.get("_HLS_skip") in ("YES", "v2")
    return Directives(None if msn is None else _integer(msn, "_HLS_msn"), skip)


def format_micros(micros: int) -> str:
    """RFC 3339 to the microsecond: a segment's edge stays one."""
    return f"{format_time(micros // 1000 * 1000)[:-1]}{micros % 1000:03d}Z"


def _window(values: dict[str, str], now: int, relative: bool) -> Window:
    if "delay" in values:
        raise InvalidArgument("a window has no delay", field="delay", hint="start and end, or delay")
    if "start" not in values:
        raise InvalidArgument("a window has a start", field="start", hint="2026-11-21T14:00:00Z, or -10m")
    for name in ("start", "end"):
        if not relative and (values.get(name) == "now" or values.get(name, "")[:1] in ("-", "+")):
            raise InvalidArgument(
                f"'{values[name]}' is another time at each reload", field=name, hint="main.m3u8 takes it"
            )
    # A plus is a space in a query, and no time has one.
    start = parse_time(values["start"].replace(" ", "+"), now, field="start")
    end = parse_time(values["end"].replace(" ", "+"), now, field="end") if "end" in values else None
    if end is not None and end <= start:
        raise InvalidArgument(f"the end {format_time(end)} is not after the start {format_time(start)}", field="end")
    return Window(start, end)


def _target(text: str | None) -> int | None:
    target = None if text is None else _integer(text, "target")
    if target is not None and not 0 < target <= MOST_TARGET:
        raise InvalidArgument(f"'{text}' is no target duration", field="target")
    return target


def _integer(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidArgument(f"'{text}' is no number", field=name)
    return int(text)
