"""Which keys of a telephone are pressed (DTMF). Pure, over blocks of samples (s16, mono).

ITU-T Q.23 says what the tones are, Q.24 what receivers put up with: a frequency within 1.5 % + 2 Hz is the key's, one
that is 3.5 % away is not; 40 ms of tone are a key, 23 ms are none; the high tone may be 4 dB above the low one or 8 dB
below; an interruption of 10 ms is none.

Each window of 26 ms is weighted (Hann: what is 78 Hz away does not matter) and compared with the eight tones by
Goertzel's correlation, every 6 ms. A pair that has most of the energy, at its frequencies, is a hit; four hits of about
the same strength are a key. Speech and music have their energy in more than two places.
"""

from __future__ import annotations

import array
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import mul

from livedvr.recordings.end_point import Tone

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz, Q.23
KEYS = ("123A", "456B", "789C", "*0#D")

WINDOW, HOP = 205, 48  # samples of 8 kHz
HITS = 4  # a tone of 40 ms fills five windows well enough, one of 23 ms three at most
MISSES = 6  # so many windows without it are a pause; an interruption of 10 ms spoils four at most
QUIETEST = -40.0  # dBFS of each of the two tones
TWIST = (-9.0, 5.5)  # dB, the high one over the low one
SHARE, PURE = 0.85, 0.90  # of the energy is the two tones', and in the best two windows
DOMINANCE = 6.0  # dB over the next one of its group
DEVIATION = 0.022  # between what must be taken and what must not
STEADY = 3.0  # dB between the windows of a key, for each of its tones: a voice swells
GLIDE = 0.008  # by which part the frequencies differ between the windows of a key: a voice glides


@dataclass(frozen=True, slots=True)
class _Probe:
    """Correlates with one frequency: |X|^2 of the weighted window."""

    cosine: tuple[float, ...]
    sine: tuple[float, ...]

    @classmethod
    def at(cls, frequency: float, weights: Sequence[float], rate: int) -> _Probe:
        turns = [2 * math.pi * frequency * i / rate for i in range(len(weights))]
        return cls(
            tuple(math.cos(turn) * weight for turn, weight in zip(turns, weights, strict=True)),
            tuple(math.sin(turn) * weight for turn, weight in zip(turns, weights, strict=True)),
        )

    def power(self, samples: Sequence[int]) -> float:
        real, imaginary = sum(map(mul, samples, self.cosine)), sum(map(mul, samples, self.sine))
        return float(real * real + imaginary * imaginary)


@dataclass(frozen=True, slots=True)
class _Hit:
    """A key's tones in a window: when, how strong both are (dB), by which part their frequencies are off, how pure."""

    middle: int
    levels: tuple[float, float]
    off: tuple[float, float]
    share: float

    def is_like(self, other: _Hit) -> bool:
        """Whether both are of one key, which neither swells nor glides."""
        louder = (abs(one - two) for one, two in zip(self.levels, other.levels, strict=True))
        higher = (abs(one - two) for one, two in zip(self.off, other.off, strict=True))
        return max(louder) <= STEADY and max(higher) <= GLIDE


@dataclass(slots=True)
class _Sounding:
    """A key that may be pressed, and its hits so far."""

    key: str
    hits: list[_Hit] = field(default_factory=list)
    misses: int = 0
    told: bool = False

    def add(self, hit: _Hit) -> None:
        """One more; those that are not as it is do not count any more."""
        self.hits = [*(one for one in self.hits if one.is_like(hit)), hit][-HITS:]

    @property
    def is_key(self) -> bool:
        """Whether that is enough."""
        return len(self.hits) == HITS and sorted(one.share for one in self.hits)[-2] >= PURE


class KeyDetector:
    """Tells which keys are pressed. ``rate`` in Hz: 8000, 16000 or 48000."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size, self._hop = WINDOW * rate // 8000, HOP * rate // 8000
        weights = [0.5 - 0.5 * math.cos(2 * math.pi * (i + 0.5) / self._size) for i in range(self._size)]
        self._weights = [weight * weight for weight in weights]
        self._bin = rate / self._size
        self._probes = {
            tone: tuple(_Probe.at(tone + step * self._bin, weights, rate) for step in (0, -1, 1))
            for tone in (*LOW, *HIGH)
        }
        self._rest = array.array("h")
        self._sounding: _Sounding | None = None

    def feed(self, start: int, samples: bytes) -> Iterator[Tone]:
        """The keys known to be pressed by the end of the next block, whose first sample sounds at ``start``."""
        begin = start - self._micros(len(self._rest))
        self._rest.frombytes(samples)
        used = 0
        while used + self._size <= len(self._rest):
            middle = begin + self._micros(used + self._size // 2)
            found = self._hear(middle, self._rest[used : used + self._size])
            if found is not None:
                yield found
            used += self._hop
        del self._rest[:used]

    def _micros(self, samples: int) -> int:
        return samples * 1_000_000 // self._rate

    def _hear(self, middle: int, window: array.array[int]) -> Tone | None:
        found, now = self._key(middle, window), self._sounding
        if found is None:
            if now is not None:
                now.misses += 1
                self._sounding = now if now.misses < MISSES else None
            return None
        key, hit = found
        if now is None or now.key != key:
            now = self._sounding = _Sounding(key)
        now.misses = 0
        now.add(hit)
        if now.told or not now.is_key:
            return None
        now.told = True
        return Tone(key, now.hits[0].middle - self._micros(self._hop), middle)

    def _key(self, middle: int, window: array.array[int]) -> tuple[str, _Hit] | None:
        """The key whose tones this window is."""
        energy = sum(map(mul, map(mul, window, window), self._weights))
        scale = self._size * 32768 / 4  # what a tone of full scale comes to
        if energy * self._size / 3 < (scale * 10 ** (QUIETEST / 20)) ** 2:
            return None  # too quiet, whatever it is
        tones = [self._strongest(group, window) for group in (LOW, HIGH)]
        if tones[0] is None or tones[1] is None:
            return None
        (low, low_level, low_off), (high, high_level, high_off) = tones[0], tones[1]
        share = 3 * (10 ** (low_level / 10) + 10 ** (high_level / 10)) / (self._size * energy)
        if share < SHARE:
            return None
        if not TWIST[0] <= high_level - low_level <= TWIST[1] or max(abs(low_off), abs(high_off)) > DEVIATION:
            return None
        if min(low_level, high_level) - 20 * math.log10(scale) < QUIETEST:
            return None
        hit = _Hit(middle, (low_level, high_level), (low_off, high_off), share)
        return KEYS[LOW.index(low)][HIGH.index(high)], hit

    def _strongest(self, group: tuple[int, ...], window: array.array[int]) -> tuple[int, float, float] | None:
        """The tone of a group that there is most of, its level, and by which part of it its frequency is another.

        None: there is no such one. The parabola through three levels says where and how high their top is (dB).
        """
        powers = sorted(((self._probes[tone][0].power(window), tone) for tone in group), reverse=True)
        (best, tone), (second, _) = powers[0], powers[1]
        if best <= 0 or best < second * 10 ** (DOMINANCE / 10):
            return None
        level = 10 * math.log10(best)
        below, above = (10 * math.log10(probe.power(window) + 1e-9) for probe in self._probes[tone][1:])
        curve = below + above - 2 * level
        if abs(below - above) >= -2 * curve:
            return None  # there is no top within a bin
        top = (below - above) / (2 * curve)  # in bins
        return tone, level - curve * top * top / 2, self._bin * top / tone
