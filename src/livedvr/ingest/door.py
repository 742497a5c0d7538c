"""The door of an RTMP listener: whose media a run brings (SEMANTICS I4). And what a log must not keep.

ffmpeg accepts whoever connects. It says the name a publisher gives, which has to be the stream key, in its log about
half a second before the first segment. So nothing of a run is read before its log has shown the right key: should an
ffmpeg say it in other words one day, nobody gets in.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from pathlib import Path

from livedvr.ingest.log import LogTail
from livedvr.ingest.run import Run
from livedvr.ingest.source import NO_NAME, Source
from livedvr.resources.addresses import is_in_ranges
from livedvr.resources.times import MINUTE, SECOND

HELLO = 10 * SECOND  # whoever has connected shows the key within this time

_NAMED = re.compile(rb"\[rtmp @ [^\]]*\] \[warning\] Unexpected stream (.*), expecting " + re.escape(NO_NAME).encode())
_WRONG_APP = b"App field"  # "don't match up", "not found"
_MEDIA = b"[info] Input #0"  # what ffmpeg says before it takes the first picture

_ESTABLISHED = "01"  # in /proc/net/tcp
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class Door:
    """Watches one run's log from its first line on.

    Attributes:
        is_open: what the run brings may be read.
        refusal: why its publisher is not let in; the run is to be killed.
    """

    def __init__(self, source: Source, run: Run) -> None:
        self._source = source
        self._log = LogTail(run.log_path)
        self._run = run
        self._came: int | None = None
        self._is_named = False
        self.is_open = source.kind != "rtmp" or _mark(run).exists()
        # What needs no key is admitted when it is started. So this run is of another source: it waited for a key
        # itself, when there was no gateway.
        is_foreign = not self.is_open and source.stream_key is None
        self.refusal: str | None = "it came by a listener that is the input's no more" if is_foreign else None

    def look(self, now: int) -> bool:
        """Look at what is new; whether the door has opened just now. ``now``: UTC microseconds."""
        if self.is_open and not self._source.secrets:
            return False
        lines = self._log.new_lines()
        opens = not self.is_open and self.refusal is None and self._judge(lines, now)
        if opens:
            admit(self._run)
            self.is_open = True
        if lines:
            _scrub(self._log.path, self._source.secrets, self._log.began, self._log.offset)
        return opens

    def _judge(self, lines: list[bytes], now: int) -> bool:
        peers = _peers(self._source.address) if self._source.address else []
        if peers and self._came is None:
            self._came = now
        stranger = next((one for one in peers if self._is_stranger(one)), None)
        if stranger is not None:
            self.refusal = f"{stranger} is not in the allow-list"
        for line in lines:
            self._read(line)
        if self._came is not None and not self._is_named and now - self._came > HELLO:
            self.refusal = self.refusal or f"it gave no stream key within {HELLO // SECOND} s"
        if self.refusal is not None:
            return False
        return self._is_named and bool(peers or not self._source.ip_ranges)

    def _is_stranger(self, peer: str) -> bool:
        return bool(self._source.ip_ranges) and not is_in_ranges(peer, self._source.ip_ranges)

    def _read(self, line: bytes) -> None:
        named, key = _NAMED.search(line), self._source.stream_key
        if named and key and hmac.compare_digest(named[1], key.encode()):
            self._is_named = True
        elif named:
            self.refusal = self.refusal or "it gave a wrong stream key"
        elif _WRONG_APP in line:
            self.refusal = self.refusal or "it gave a wrong app"
        elif line.startswith(_MEDIA) and not self._is_named:
            self.refusal = self.refusal or "it gave no stream key"


def admit(run: Run) -> None:
    """The run may be read, also by the next controller: the key is no longer in its log, or it has come another way."""
    _mark(run).touch()


def _mark(run: Run) -> Path:
    return run.folder / "admitted"


class Refusals:
    """Says refusals aloud, at most one a minute: somebody may try keys all day."""

    def __init__(self) -> None:
        self._said: int | None = None
        self._unsaid = 0

    def note(self, now: int, refusal: str) -> str | None:
        """The text of an event, or None: not yet again."""
        if self._said is not None and now - self._said < MINUTE:
            self._unsaid += 1
            return None
        more = f" ({self._unsaid} more refused since the last time)" if self._unsaid else ""
        self._said, self._unsaid = now, 0
        return f"a publisher was refused: {refusal}{more}"


def _peers(address: tuple[str, int]) -> list[str]:
    """The addresses that are connected to a TCP port of this machine."""
    host, port = address
    found = []
    for table in _TABLES:
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except FileNotFoundError:  # a machine without IPv6
            continue
        for row in rows:
            _, local, remote, state = row.split()[:4]
            at, _, number = local.partition(":")
            # Another program may have the same port of another address; of a name or 0.0.0.0 all count.
            if state == _ESTABLISHED and int(number, 16) == port and (not _is_one(host) or _address(at) == host):
                found.append(_address(remote.partition(":")[0]))
    return found


def _is_one(host: str) -> bool:
    """Whether a host is one address of the machine."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _address(text: str) -> str:
    """``0100007F`` is 127.0.0.1: 32 bit words in the machine's order, which is little-endian wherever we run."""
    words = bytes.fromhex(text)
    return str(ipaddress.ip_address(b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))))


def _scrub(path: Path, secrets: tuple[str, ...], start: int, end: int) -> None:
    """Overwrite secrets between two places of a log, in place: ffmpeg goes on appending to it."""
    if not secrets:
        return
    with path.open("r+b") as file:
        file.seek(start)
        text = file.read(end - start)
        clean = text
        for secret in secrets:
            clean = clean.replace(secret.encode(), b"*" * len(secret.encode()))
        if clean != text:
            file.seek(start)
            file.write(clean)
