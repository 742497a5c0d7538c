"""Sounds by formula, for what listens: tones, speech-like, music-like, noise. s16, mono."""

from __future__ import annotations

import array
import io
import math
import random
import wave
from collections.abc import Callable, Sequence

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")

Sound = Sequence[float]
"""Samples from -1 to 1."""


def silence(seconds: float, rate: int = 8000) -> list[float]:
    return [0.0] * round(seconds * rate)


def tone(frequency: float, seconds: float, level: float = -12, rate: int = 8000, phase: float = 0.3) -> list[float]:
    """A sine; ``level`` in dBFS of its amplitude."""
    amplitude = 10 ** (level / 20)
    return [amplitude * math.sin(phase + 2 * math.pi * frequency * i / rate) for i in range(round(seconds * rate))]


def key(
    name: str, seconds: float, low: float = -12, high: float = -12, off: float = 0, rate: int = 8000
) -> list[float]:
    """A key's tones; ``off``: by which part both frequencies are off."""
    row = next(i for i, names in enumerate(KEYS) if name in names)
    first, second = LOW[row], HIGH[KEYS[row].index(name)]
    return mixed(tone(first * (1 + off), seconds, low, rate), tone(second * (1 + off), seconds, high, rate, 1.1))


def mixed(*sounds: Sound) -> list[float]:
    return [sum(parts) for parts in zip(*sounds, strict=True)]


def noise(seconds: float, level: float, seed: int = 1, rate: int = 8000) -> list[float]:
    """White; ``level`` in dBFS of its RMS."""
    chance, rms = random.Random(seed), 10 ** (level / 20)
    return [chance.gauss(0, rms) for _ in range(round(seconds * rate))]


def speech(seconds: float, seed: int = 1, rate: int = 8000) -> list[float]:
    """Like a voice: vowels of a gliding pitch with three formants, pauses, hisses between them."""
    chance, found = random.Random(seed), list[float]()
    pitch_of_voice = chance.choice((95, 120, 180, 230))
    while len(found) < seconds * rate:
        formants = [chance.uniform(300, 900), chance.uniform(900, 2200), chance.uniform(2200, 3200)]
        pitch, glide = pitch_of_voice * chance.uniform(0.85, 1.2), chance.uniform(-0.25, 0.25)
        found += _vowel(formants, pitch, glide, chance.uniform(0.06, 0.3), rate)
        found += noise(chance.uniform(0.02, 0.08), -35, chance.randrange(1 << 30), rate)
        found += silence(chance.choice((0, 0, 0.05, 0.3)), rate)
    return found[: round(seconds * rate)]


def _vowel(formants: Sequence[float], pitch: float, glide: float, seconds: float, rate: int) -> list[float]:
    harmonics = range(1, min(40, int(rate / 2 / pitch / 1.3)))
    weights = [
        sum(1 / (1 + ((n * pitch - formant) / 80) ** 2) / (1 + i) for i, formant in enumerate(formants))
        for n in harmonics
    ]
    count, top = round(seconds * rate), sum(weights)
    samples = []
    for i in range(count):
        t = i / rate
        turn = 2 * math.pi * pitch * (t + glide * t * t / (2 * seconds))
        swell = min(1, i / (0.02 * rate), (count - i) / (0.02 * rate))
        samples.append(0.5 * swell * sum(w * math.sin(n * turn) for n, w in zip(harmonics, weights, strict=True)) / top)
    return samples


def music(seconds: float, seed: int = 1, rate: int = 8000) -> list[float]:
    """Chords of notes with overtones that die away."""
    chance, found = random.Random(seed), list[float]()
    while len(found) < seconds * rate:
        root = 110 * 2 ** (chance.randrange(36) / 12)
        notes = [root * 2 ** (step / 12) for step in chance.choice(((0,), (0, 7), (0, 4, 7), (0, 3, 7, 10)))]
        length = chance.choice((0.125, 0.25, 0.5))
        parts = [
            [math.exp(-3 * i / rate) * one for i, one in enumerate(tone(note * n, length, -14 - 6 * n, rate, n))]
            for note in notes
            for n in (1, 2, 3)
            if note * n < rate / 2.2
        ]
        found += mixed(*parts)
    return found[: round(seconds * rate)]


def pcm(sound: Sound) -> bytes:
    return array.array("h", [max(-32768, min(32767, round(one * 32767))) for one in sound]).tobytes()


def a_wav(seconds: float, hertz: float = 440, *, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    """A tone as a file; of another ``width`` than 2 (bytes) there is nothing to hear in it."""
    file, sound = io.BytesIO(), pcm(tone(hertz, seconds, rate=rate))
    with wave.open(file, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(width)
        made.setframerate(rate)
        made.writeframes(sound * channels if width == 2 else bytes(len(sound) // 2 * width * channels))
    return file.getvalue()


def in_blocks(feed: Callable[[int, bytes], object], data: bytes, rate: int = 8000, size: int = 1021) -> list[object]:
    """What ``feed`` finds when it gets the data in blocks of an odd size, from 0 on."""
    found: list[object] = []
    for first in range(0, len(data) // 2, size):
        found += feed(first * 1_000_000 // rate, data[2 * first : 2 * (first + size)])  # type: ignore[misc]
    return found
