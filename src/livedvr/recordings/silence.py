"""When somebody speaks: what is above the noise of the line. Pure, over blocks of samples (s16, mono).

A fixed threshold takes a noisy room for speech, or misses a soft voice. So the floor is the level that a tenth of the
last three seconds lay below, and what is 9 dB above it is a voice; between -50 dBFS, where nothing is silence, and -25,
above which everything is a voice.
"""

from __future__ import annotations

import array
import math
from collections import deque
from collections.abc import Iterator
from operator import mul

FRAME = 20_000  # microseconds
LATELY = 150  # frames: three seconds
ABOVE = 9.0  # dB
LOWEST, HIGHEST = -50.0, -25.0  # dBFS
BEGINS, ENDS = 3, 10  # frames: so many loud ones begin a voice, so many others end it

_NOTHING = -120.0


def level(samples: array.array[int]) -> float:
    """How loud, dBFS of the RMS; -120 for nothing at all."""
    energy = sum(map(mul, samples, samples)) / max(1, len(samples))
    return max(_NOTHING, 10 * math.log10(energy / 32768**2)) if energy else _NOTHING


class VoiceDetector:
    """Tells when voices begin and end. ``rate`` in Hz."""

    def __init__(self, rate: int) -> None:
        self._size = rate * FRAME // 1_000_000
        self._rest = array.array("h")
        self._lately: deque[float] = deque(maxlen=LATELY)
        self._loud = self._quiet = 0
        self._began = self._last = 0  # of the voice, or what may become one
        self._speaks = False
        self._audible: list[tuple[int, int]] = []

    def feed(self, start: int, samples: bytes) -> Iterator[tuple[int, int]]:
        """The voices in the next block, whose first sample is at ``start``: [from, to), as far as they have come."""
        at = start - len(self._rest) * FRAME // self._size
        self._rest.frombytes(samples)
        found: list[tuple[int, int]] = []
        used = 0
        while used + self._size <= len(self._rest):
            self._frame(at, level(self._rest[used : used + self._size]))
            used, at = used + self._size, at + FRAME
            if self._speaks and (not found or found[-1][0] != self._began):
                found.append((self._began, self._last))
            elif self._speaks:
                found[-1] = (self._began, self._last)
        del self._rest[:used]
        yield from found

    def take_audible(self) -> list[tuple[int, int]]:
        """When there was anything at all to be heard since it was last asked: above -50 dBFS, noise or not."""
        audible, self._audible = self._audible, []
        return audible

    def _frame(self, at: int, loudness: float) -> None:
        if loudness > LOWEST:
            follows = self._audible and self._audible[-1][1] == at
            since = self._audible.pop()[0] if follows else at
            self._audible.append((since, at + FRAME))
        self._lately.append(loudness)
        floor = sorted(self._lately)[len(self._lately) // 10]
        if loudness > min(HIGHEST, max(LOWEST, floor + ABOVE)):
            if not self._speaks and not self._loud:
                self._began = at
            self._loud, self._quiet, self._last = self._loud + 1, 0, at + FRAME
            self._speaks = self._speaks or self._loud >= BEGINS
        else:
            self._quiet += 1
            if not self._speaks or self._quiet >= ENDS:
                self._speaks, self._loud = False, 0
