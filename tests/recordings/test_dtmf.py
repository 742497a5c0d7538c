"""Keys of a telephone: what has to be taken (ITU-T Q.24), what must not be, and that nobody's voice is one."""

from __future__ import annotations

import random
from itertools import chain

import pytest

from livedvr.recordings.dtmf import KeyDetector
from livedvr.recordings.end_point import Tone
from recordings.sounds import KEYS, in_blocks, key, mixed, music, noise, pcm, silence, speech

ALL = "".join(KEYS)


def keys(sound: list[float], rate: int = 8000) -> list[Tone]:
    return [one for one in in_blocks(KeyDetector(rate).feed, pcm(sound), rate) if isinstance(one, Tone)]


def dialled(names: str, seconds: float, pause: float, rate: int = 8000, **how: float) -> list[float]:
    """Each key behind a pause that is no whole number of windows long."""
    return list(
        chain.from_iterable(
            [*silence(pause + 0.0007 * i, rate), *key(name, seconds, rate=rate, **how)] for i, name in enumerate(names)
        )
    ) + silence(0.1, rate)


def text(sound: list[float], rate: int = 8000) -> str:
    return "".join(one.key for one in keys(sound, rate))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_every_key(rate: int) -> None:
    names = ALL if rate == 8000 else "159D"
    assert text(dialled(names, 0.05, 0.05, rate), rate) == names


@pytest.mark.parametrize(
    "how",
    [
        {"off": 0.015},
        {"off": -0.015},
        {"low": -4.0, "high": -12.0},  # the high tone 8 dB below
        {"low": -12.0, "high": -8.0},  # and 4 dB above
        {"low": -30.0, "high": -30.0},
        {"low": -7.0, "high": -7.0},
    ],
)
def test_what_has_to_be_taken(how: dict[str, float]) -> None:
    assert text(dialled(ALL, 0.040, 0.040, **how)) == ALL


@pytest.mark.parametrize(
    "how",
    [
        {"off": 0.035},
        {"off": -0.035},
        {"low": -4.0, "high": -16.0},
        {"low": -16.0, "high": -4.0},
        {"low": -48.0, "high": -48.0},
        {"seconds": 0.023},
    ],
)
def test_what_must_not_be_taken(how: dict[str, float]) -> None:
    assert text(dialled(ALL, **({"seconds": 0.1, "pause": 0.04} | how))) == ""  # type: ignore[arg-type]


def test_one_tone_is_no_key() -> None:
    assert text(dialled("5", 0.2, 0.1, low=-90)) == text(dialled("5", 0.2, 0.1, high=-90)) == ""


def test_an_interruption_of_10_ms_is_none_and_a_pause_of_40_ms_is_one() -> None:
    def broken(gap: float) -> list[float]:
        return [*silence(0.1), *key("7", 0.1), *silence(gap), *key("7", 0.1), *silence(0.1)]

    assert text(broken(0.010)) == "7"
    assert text(broken(0.040)) == "77"
    assert text([*silence(0.1), *key("1", 3.0), *silence(0.1)]) == "1", "a key that is held is one"


def test_it_begins_when_the_tone_does() -> None:
    (found,) = keys([*silence(1.0), *key("#", 0.12), *silence(0.2)])
    assert abs(found.start - 1_000_000) < 13_000 and found.start < found.end < 1_120_000


@pytest.mark.parametrize("level", [-30, -22])  # 21 and 13 dB below the two tones together
def test_noise_on_the_line(level: float) -> None:
    sound = dialled(ALL, 0.060, 0.060)
    assert text(mixed(sound, noise(len(sound) / 8000, level)[: len(sound)])) == ALL


@pytest.mark.parametrize(("kind", "seconds"), [(speech, 20), (music, 15)])
def test_nobodys_voice_is_a_key_and_no_music(kind: object, seconds: float) -> None:
    sound = list(chain.from_iterable(kind(seconds / 2, seed) for seed in (1, 2)))  # type: ignore[operator]
    assert keys(sound) == []


def test_noise_is_no_key() -> None:
    assert keys(noise(10, -15)) == []


def test_blocks_of_any_size() -> None:
    data = pcm(dialled("42", 0.05, 0.05))
    chance, detector, found, first = random.Random(3), KeyDetector(8000), "", 0
    while first < len(data) // 2:
        size = chance.randrange(1, 400)
        block = data[2 * first : 2 * (first + size)]
        found += "".join(one.key for one in detector.feed(first * 125, block))
        first += size
    assert found == "42"
