"""What ffmpeg's log says that its exit status does not."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from livedvr.hls.mirror import original
from livedvr.ingest.keeper import LOG_HEAD, LOG_TAIL
from livedvr.resources.addresses import public_uri

_NOISE = re.compile(
    r"^\s|Last message repeated|Opening '|Press \[q\]|Stream mapping|Input #|Output #|^(\[[^\]]*\] )*\[(info|verbose)\]"
)
_PREFIX = re.compile(r"^(\[[^\]]*\] )*(\[(verbose|info|warning|error|fatal|panic)\] )?")
_PROBLEM = re.compile(r"\[(error|fatal|panic)\]")
_BITMAPS = ("dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "dvd_subtitle", "xsub", "arib_caption")
# A source without data streams; a run asks for them in case there are some.
_NO_DATA = re.compile(r"^\[tee @ |^\[(data|framecrc) @ [^\]]*\] \[error\] No streams to mux")
_DETAIL = re.compile(r", \d+ reference frames?\b")  # in a verbose log
_URL = re.compile(r"[a-z]+://[^\s']*[^\s':.,;]")


def last_words(lines: Sequence[str], most: int = 3) -> str:
    """The last lines that tell why ffmpeg ended, errors before anything else, on one line; URLs without secrets."""
    lines = [line for line in lines if not _NO_DATA.search(line)]
    problems = [line for line in lines if _PROBLEM.search(line)] or [line for line in lines if not _NOISE.search(line)]
    words = "; ".join(dict.fromkeys(_PREFIX.sub("", line).strip() for line in problems[-most:]))
    return _without_secrets(words)


def _without_secrets(text: str) -> str:
    return _URL.sub(lambda url: public_uri(original(url[0])), text)


def lacks_keyframe(lines: Sequence[str]) -> bool:
    """The probe met no keyframe: it has to look longer (a long GOP, joined in its middle)."""
    return any("Could not find codec parameters" in line or "dimensions not set" in line for line in lines)


def lacks_picture_size(lines: Sequence[str]) -> bool:
    """Video came, but no keyframe with what it is."""
    return any("unspecified size" in line or "dimensions not set" in line for line in lines)


def missing_stream(lines: Sequence[str]) -> str | None:
    """The stream that was asked for by its name and that the source does not have, e.g. ``a:1``."""
    found = (re.search(r"Stream map '\d:([vas]:\d+)' matches no streams", line) for line in lines)
    # ffmpeg 9 says it without the name, and names it in the line behind.
    named = (re.search(r"Failed to set value '\d:([vas]:\d+)' for option 'map'", line) for line in lines)
    return next((match[1] for match in (*found, *named) if match), None) or _mute_stream(lines)


def _mute_stream(lines: Sequence[str]) -> str | None:
    """An audio that an MPEG-TS announces and does not bring: nothing can be said of it, and no muxer takes it."""
    if not any("sample rate not set" in line for line in lines):
        return None
    mute = (re.search(r"Could not find codec parameters for stream (\d+) \(Audio", line) for line in lines)
    number = next((int(match[1]) for match in mute if match), None)
    streams = (re.search(r"Stream #0:(\d+).*: Audio: ", line) for line in lines)
    sounds = sorted({int(match[1]) for match in streams if match})
    return f"a:{sounds.index(number)}" if number in sounds else None


def refused_rendition(lines: Sequence[str]) -> tuple[str, str] | None:
    """The rendition whose container does not take its stream, and why: the output that was opened last (P7)."""
    mux, why = "", ""
    for line in lines:
        if opened := re.search(r"Opening '([^/']+)/[^/']+' for writing", line):
            mux = opened[1]
        elif _PROBLEM.search(line) and "Could not write header" in line:
            return (mux, why) if mux else None
        elif _PROBLEM.search(line):
            why = _without_secrets(_PREFIX.sub("", line).strip())
    return None


def bitmap_subtitle(lines: Sequence[str]) -> tuple[str, str] | None:
    """A subtitle track that ffmpeg cannot turn into text: its specifier and codec, e.g. ``s:0``, ``dvb_subtitle``.

    Bitmaps, and teletext where the build lacks libzvbi; the first of them is named.
    """
    if not any("Subtitle encoding currently only possible" in line or "no decoder found for" in line for line in lines):
        return None
    found = [re.search(r"Stream #0:\d+\S*: Subtitle: (\w+)", line) for line in lines]
    codecs = [match[1] for match in found if match]
    return next(((f"s:{track}", codec) for track, codec in enumerate(codecs) if codec in _BITMAPS), None)


def refused_publisher(lines: Sequence[str]) -> bool:
    """libsrt turned a publisher away (wrong passphrase); the listener ended with it and has to be started again."""
    return any("BADSECRET" in line or "Connection setup failure" in line for line in lines)


def taken_streams(lines: Sequence[str]) -> list[str]:
    """The source streams that were taken, e.g. ``#0:0 Video: h264 (High), ... -> copy``."""
    described = {}
    for line in lines:
        if line.lstrip().removeprefix("[info]").lstrip().startswith("Output #"):
            break
        found = re.search(r"Stream (#0:\d+)(?:\[[^\]]*\])?(?:\([^)]*\))?: ((?:Video|Audio): .*)", line)
        if found:
            described[found[1]] = _DETAIL.sub("", found[2].split(", start ")[0])
    taken = []
    for line in lines:
        mapped = re.search(r"Stream (#0:\d+) -> #0:\d+ \((.*)\)", line)
        if mapped and mapped[1] in described:
            taken.append(f"{mapped[1]} {described[mapped[1]]} ({mapped[2]})")
    return list(dict.fromkeys(taken))


def log_lines(path: Path) -> list[str]:
    """The lines of a log so far; of one that the keeper has bounded, the first and the last of them."""
    try:
        with path.open("rb") as file:
            text = file.read(LOG_HEAD)
            if _size(file) > LOG_HEAD + 2 * LOG_TAIL:
                text += b"\n"
                file.seek(-LOG_TAIL, os.SEEK_END)
            text += file.read()
    except FileNotFoundError:
        return []
    return text.decode(errors="replace").splitlines()


def log_head(path: Path) -> list[str]:
    """The first lines of a log, those that always stay: what ffmpeg says of its source."""
    try:
        with path.open("rb") as file:
            return file.read(LOG_HEAD).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


class Tail:
    """Reads what is new in a file of lines since the last look.

    Attributes:
        began: where the last look began.
        offset: where the next one begins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = self.offset = 0

    def new_lines(self) -> list[bytes]:
        """The lines that have become complete; none while the file does not exist."""
        try:
            if self.path.stat().st_size == self.offset:
                return []  # as nearly always: it is looked at each second
            with self.path.open("rb") as file:
                self.began = self._begin(_size(file))
                file.seek(self.began)
                new = file.read()
        except FileNotFoundError:
            return []
        new = new[: new.rfind(b"\n") + 1]  # a torn last line waits
        self.offset = self.began + len(new)
        return new.splitlines()

    def _begin(self, size: int) -> int:
        """Where a look begins at a file that is so long."""
        return self.offset


class LogTail(Tail):
    """Reads what is new in a log. Its places are those in the file, whatever the keeper has freed of it.

    Who has not looked for so long that the keeper may have freed what is new sees the newest of it.
    """

    def _begin(self, size: int) -> int:
        return max(self.offset, size - LOG_TAIL)


class LogReader:
    """Looks at what is new in a log, for what must be noticed while the run goes on. ``mux``: the reference."""

    def __init__(self, path: Path, mux: str) -> None:
        self._tail = LogTail(path)
        # An fMP4 run says nothing of its first segment, but of its journal.
        self._opened = re.compile(rb"Opening '%s/(?:journal\.csv|segment-(\d+)\.)" % re.escape(mux.encode()))
        self.has_new_audio = False  # the source has audio that it had not when the run began
        self._open: int | None = None  # the index of the segment that ffmpeg was writing at that place of the log

    def smoothed_jumps(self) -> list[int]:
        """The segments before which ffmpeg has smoothed a timestamp discontinuity over, new since the last look.

        The journal does not show it, and the order of the log tells where it was: the line comes when the media is
        read. If that is a keyframe that cuts, the next segment is opened right after. If not, the break is inside the
        open segment; that one began before it and is dated right, so it is again the next one that begins anew.
        """
        found = []
        for line in self._tail.new_lines():
            opened = self._opened.search(line)
            if opened:
                self._open = int(opened[1] or 0)
            elif b"timestamp discontinuity" in line and self._open is not None:
                found.append(self._open + 1)
            self.has_new_audio = self.has_new_audio or b"New audio stream " in line
        return found
