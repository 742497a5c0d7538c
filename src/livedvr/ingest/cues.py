"""The SCTE-35 messages that a run brings: ffmpeg writes them beside its segments, and its log relates their times.

ffmpeg gives a message the time at which it came: the program clock's, on the run's media time. The message itself
speaks of the source's own 33 bit clock. What lies between the two is where ffmpeg began to count (``start:``), what it
corrected of that for the streams that it takes, and each jump that it has smoothed over since. The log is bounded
and may have lost all that by the time of a restart: it is kept beside the run.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from livedvr.ingest.log import LogTail, Tail
from livedvr.ingest.state_file import replace_file
from livedvr.timeline.ranges import Cue

DATA_STREAMS = 2  # of a source: SCTE-35 is looked for among these
TIMES_NAME = "times.json"  # what the log has said of their times, for the next controller
ROOM = 1 << 20  # bytes that data of another kind may take on disk

_PACKET = re.compile(rb"0, *-?\d+, *(-?\d+), *\d+, *(\d+), 0x[0-9a-f]+.*")
_HEAD = 4096  # bytes of the list in which its codec stands
_CODEC = re.compile(rb"^#codec_id 0: (\S+)\n", re.MULTILINE)
_START = re.compile(rb"\[info\]   Duration: .*, start: (-?)(\d+)\.(\d{6}),")
_CORRECTED = re.compile(rb"Correcting start time (?:of Input #(\d) )?by (-?\d+)")
_INPUT = re.compile(rb"\[info\] Input #(\d), ")
_JUMPED = re.compile(rb"timestamp discontinuity .*new offset= *(-?\d+)")


def packets_name(stream: int) -> str:
    """The list of a data stream's packets (framecrc): a line each, with time and size."""
    return f"data-{stream}.txt"


def sections_name(stream: int) -> str:
    """What is in them, one behind the other."""
    return f"data-{stream}.bin"


def cue_slaves() -> str:
    """What ffmpeg's tee makes of the data streams. One that the source lacks is no error: null takes all streams."""
    slaves = []
    for stream in range(DATA_STREAMS):
        options = rf"select=\'d:{stream}\':onfail=ignore:flush_packets=1"
        # The content first: what stands in the list is there.
        slaves.append(f"[f=data:{options}]{sections_name(stream)}")
        slaves.append(f"[f=framecrc:{options}]{packets_name(stream)}")
    return "|".join([*slaves, "[f=null]-"])


@dataclass(slots=True)
class _Times:
    """What relates the messages' times, microseconds.

    ``corrected``: by input. ``jumped``: of all smoothed jumps together. ``input``: where the data is read, the last of
    all.
    """

    start: int | None = None
    corrected: dict[str, int] = field(default_factory=dict)
    jumped: int = 0
    input: str = "0"

    def read(self, line: bytes) -> None:
        """A line of the log."""
        if (found := _START.search(line)) and self.start is None:
            self.start = int(found[1] + found[2] + found[3])
        elif found := _CORRECTED.search(line):
            self.corrected[(found[1] or b"0").decode()] = int(found[2])
        elif found := _INPUT.match(line):
            self.input = found[1].decode()
        elif found := _JUMPED.search(line):
            self.jumped = int(found[1])

    @property
    def origin(self) -> int | None:
        """Where the media time begins on the source's clock."""
        return None if self.start is None else self.start + self.corrected.get("0", 0) - self.jumped

    @property
    def ahead(self) -> int:
        """From the time of the input that only the data is read from to that of the media's."""
        if self.input == "0":
            return 0
        return self.corrected.get(self.input, 0) - self.corrected.get("0", 0) + self.jumped


class CueReader:
    """Reads what is new of a run's messages. ``taken``: so many of them have been dealt with before a restart."""

    def __init__(self, folder: Path, log: Path, taken: int = 0) -> None:
        self._log = LogTail(log)
        self._streams = [_DataStream(folder, stream) for stream in range(DATA_STREAMS)]
        self._taken = taken
        self._count = 0
        self._kept = folder / TIMES_NAME
        self._times: _Times | None = None

    def new_cues(self) -> list[Cue]:
        """The messages that have become complete; none of a source that has no such stream. Blocking."""
        if not any(stream.exists for stream in self._streams):
            return []
        times = self._read_log()  # first: what has been smoothed over by now counts for what came since
        cues = []
        for stream in self._streams:
            for at, section in stream.new_packets():
                if self._count >= self._taken:
                    cues.append(Cue(self._count, at * 100 // 9 + times.ahead, section, times.origin))
                self._count += 1
        return cues

    def _read_log(self) -> _Times:
        times = self._times = self._times or _load(self._kept)
        if new := self._log.new_lines():
            before = asdict(times)
            for line in new:
                times.read(line)
            if asdict(times) != before:  # seldom
                replace_file(self._kept, json.dumps(asdict(times)).encode())
        return times


def _load(path: Path) -> _Times:
    """As an earlier controller has read them; what it has lost, or never had, the log may tell again."""
    try:
        return _Times(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return _Times()


class _DataStream:
    """One data stream's two files, read as they grow. What is no SCTE-35 is not read, and takes no room."""

    def __init__(self, folder: Path, stream: int) -> None:
        self._packets = Tail(folder / packets_name(stream))
        self._sections = folder / sections_name(stream)
        self._offset = 0
        self._is_scte: bool | None = None  # None: the list does not say yet

    @property
    def exists(self) -> bool:
        """Whether ffmpeg was asked for it."""
        return self._packets.path.exists()

    def new_packets(self) -> list[tuple[int, bytes]]:
        """(when it came: ticks of media time, the message)."""
        if self._is_scte is None and self.exists:
            self._is_scte = self._told_codec()
        if self._is_scte is False:
            self._make_room()
        if not self._is_scte:
            return []
        packets = [packet for line in self._packets.new_lines() if (packet := _PACKET.fullmatch(line))]
        return self._take([(int(packet[1]), int(packet[2])) for packet in packets]) if packets else []

    def _told_codec(self) -> bool | None:
        """Whether the head of the list names SCTE-35. One that has been made room in has no head any more."""
        if not self._packets.path.stat().st_size:
            return None
        with self._packets.path.open("rb") as file:
            head = file.read(_HEAD)
        if found := _CODEC.search(head):
            return found[1] == b"scte_35"
        return False if len(head) == _HEAD or head.startswith(b"\0") else None

    def _take(self, packets: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
        """(time, size) of packets -> (time, content)."""
        with self._sections.open("rb") as file:
            file.seek(self._offset)
            taken = [(at, file.read(size)) for at, size in packets]
            self._offset = file.tell()
        return taken

    def _make_room(self) -> None:
        """Somebody else's data (KLV, ID3): ffmpeg goes on where it was, and before that there is a hole."""
        for path in (self._sections, self._packets.path):
            if path.exists() and path.stat().st_blocks * 512 > ROOM:
                with path.open("r+b") as file:
                    file.truncate(0)
