"""The traits of a segment of MPEG-TS (ISO/IEC 13818-1): `Transport` goes through it as it grows, each byte once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livedvr.media.traits import Sound, Traits, is_foreign, picture_of

PACKET = 188
_VIDEO = {0x1B: "h264", 0x24: "hevc"}  # stream types, table 2-34
_ADTS = 0x0F
_AUDIO = (_ADTS, 0x03, 0x04, 0x11, 0x81, 0x87)  # with MPEG, LATM, AC-3, E-AC-3
_CLOCK, _WRAP = 90_000, 1 << 33  # of its timestamps (2.4.3.7)
_TABLES_WITHIN = 64 * PACKET  # bytes, from the beginning of a segment
_SETS_WITHIN = 6  # packets: parameter sets stand at the very front of an access unit
_START_CODE = re.compile(b"\0\0\1")
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)  # channel_configuration (ISO/IEC 14496-3 table 1.19)


class Transport:
    """One segment. `add` it piece by piece; what is not whole yet waits for the next."""

    def __init__(self) -> None:
        self.traits = Traits()
        self._rest = b""
        self._time: int | None = None  # of the picture before
        self._video: dict[int, str] = {}  # PID -> codec
        self._audio: dict[int, int] = {}  # PID -> stream type

    def add(self, data: bytes) -> None:
        """What has been written since the last call."""
        data = self._rest + data
        whole = len(data) - len(data) % PACKET
        if not self._video and not self._audio:
            self._read_tables(data[: min(whole, _TABLES_WITHIN)])
            if not self._video and not self._audio:
                self._rest = data[:_TABLES_WITHIN]
                return
        begins = [at for at in self._begins(data, whole) if self._pid(data, at) in self._video]
        # The last access unit may not be there as far as its parameter sets.
        done = begins[-1] if begins and begins[-1] + _SETS_WITHIN * PACKET > whole else whole
        for at in self._begins(data, done):
            self._look(data, at, done)
        self._rest = data[done:]

    def finish(self) -> None:
        """There is no more of it."""
        for at in self._begins(self._rest, len(self._rest) - len(self._rest) % PACKET):
            self._look(self._rest, at, len(self._rest))
        self._rest = b""

    def _begins(self, data: bytes, end: int) -> Iterator[int]:
        """Where packets stand that begin a PES packet (payload_unit_start_indicator). Found by stride, not packet by
        packet: 20 Mbit/s are 13,000 packets a second."""
        flags, low = data[1:end:PACKET], data[2:end:PACKET]
        for pid in (*self._video, *self._audio):
            start = bytes([0x40 | pid >> 8])
            at = flags.find(start)
            while at >= 0:
                if low[at] == pid & 0xFF:
                    yield at * PACKET
                at = flags.find(start, at + 1)

    def _look(self, data: bytes, at: int, end: int) -> None:
        pid = self._pid(data, at)
        if pid in self._video:
            packet = self._packet(data, at, len(data))
            self.traits += Traits(frames=1, jumps=int(self._jumps(packet)))
            self._look_at_picture(packet, self._video[pid])
        else:
            sound = _adts(_elementary(self._packet(data, at, at + PACKET))) if self._audio[pid] == _ADTS else None
            self.traits += Traits(sounds=(sound,) if sound else (), has_audio=True)

    def _jumps(self, packet: bytes) -> bool:
        """Whether its time is more than a second from that of the picture before."""
        time, before = _presented(packet), self._time
        if time is None:
            return False
        self._time = time
        step = 0 if before is None else (time - before + _WRAP // 2) % _WRAP - _WRAP // 2
        return abs(step) > _CLOCK

    def _look_at_picture(self, packet: bytes, codec: str) -> None:
        data = _elementary(packet)
        starts = [found.end() for found in _START_CODE.finditer(data)]
        if not starts:  # nothing can be said of a picture that begins with something else
            return
        units = [
            data[start:end] for start, end in zip(starts, [*(one - 3 for one in starts[1:]), len(data)], strict=True)
        ]
        found = (picture_of(unit.rstrip(b"\0"), codec) for unit in units[:-1])  # the last is not whole
        pictures = tuple(picture for picture in found if picture is not None)
        foreign = any(is_foreign(unit[0], codec) for unit in units if unit)
        self.traits += Traits(pictures=pictures, foreign=int(foreign))

    def _packet(self, data: bytes, at: int, end: int) -> bytes:
        """The first bytes of a PES packet."""
        pid, pes = self._pid(data, at), _payload(data, at)
        for following in range(at + PACKET, min(end, len(data) - PACKET + 1, at + 4 * _SETS_WITHIN * PACKET), PACKET):
            if len(pes) > _SETS_WITHIN * PACKET:
                break
            if self._pid(data, following) == pid:
                if data[following + 1] & 0x40:
                    break
                pes += _payload(data, following)
        return pes

    @staticmethod
    def _pid(data: bytes, at: int) -> int:
        return (data[at + 1] & 0x1F) << 8 | data[at + 2]

    def _read_tables(self, data: bytes) -> None:
        """Program association and program map (2.4.4): ffmpeg begins each segment with them."""
        maps = set()
        for at in range(0, len(data) - PACKET + 1, PACKET):
            pid, payload = self._pid(data, at), _payload(data, at)
            if not data[at + 1] & 0x40 or not payload:
                continue
            section = payload[1 + payload[0] :]
            if pid == 0:
                maps |= {int.from_bytes(section[at + 2 : at + 4], "big") & 0x1FFF for at in _entries(section, 8, 4)}
            elif pid in maps:
                self._read_map(section)
                return

    def _read_map(self, section: bytes) -> None:
        at, end = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF), _section_end(section)
        while at + 5 <= end:
            kind, pid = section[at], int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF
            if kind in _VIDEO:
                self._video[pid] = _VIDEO[kind]
            elif kind in _AUDIO:
                self._audio[pid] = kind
            at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF)


def _section_end(section: bytes) -> int:
    """Where the entries of a section end, and its CRC begins."""
    return min(len(section), 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4)


def _entries(section: bytes, first: int, size: int) -> range:
    return range(first, _section_end(section) - size + 1, size)


def _payload(data: bytes, at: int) -> bytes:
    """What a transport packet carries behind its header and adaptation field (2.4.3.2)."""
    control = data[at + 3] >> 4 & 3
    start = at + 4 + (1 + data[at + 4] if control & 2 else 0)
    return data[start : at + PACKET] if control & 1 else b""


def _elementary(packet: bytes) -> bytes:
    """What a PES packet carries behind its header (2.4.3.6)."""
    return packet[9 + packet[8] :] if len(packet) > 8 else b""


def _presented(packet: bytes) -> int | None:
    """Its PTS (2.4.3.6), if it has one."""
    if len(packet) < 14 or not packet[7] & 0x80:
        return None
    high, middle, low = packet[9] >> 1 & 7, packet[10] << 7 | packet[11] >> 1, packet[12] << 7 | packet[13] >> 1
    return high << 30 | middle << 15 | low


def _adts(frame: bytes) -> Sound | None:
    """The sound of a frame with an ADTS header (ISO/IEC 14496-3 1.A.2.2)."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        return None
    index, channels = frame[2] >> 2 & 0xF, (frame[2] & 1) << 2 | frame[3] >> 6
    return Sound(_RATES[index], _CHANNELS[channels]) if index < len(_RATES) else None
