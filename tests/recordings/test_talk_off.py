"""Talk-off (ITU-T Q.24, 5): in minutes of real words no key is heard. ``TALK_OFF_SECONDS`` a voice; 12 by default."""

from __future__ import annotations

import array
import io
import os
import shutil
import subprocess
import wave
from itertools import chain
from pathlib import Path

import pytest

from conftest import missing
from livedvr.recordings.dtmf import KeyDetector
from livedvr.recordings.end_point import Tone
from recordings.sounds import in_blocks, music, pcm

SECONDS = int(os.environ.get("TALK_OFF_SECONDS", "12"))
TEXT = (Path(__file__).parents[2] / "docs" / "dvr-sessions.md").read_text()
VOICES = ["en-us", "en-gb+f2", "de+f4", "fr+m3", "es+klatt2", "it+croak", "pl+whisper", "ru+m7", "cmn", "hi+f2"]


def spoken(voice: str) -> tuple[int, bytes]:
    """Words as espeak-ng says them: Hz, and samples (s16, mono)."""
    if shutil.which("espeak-ng") is None:
        missing("espeak-ng", "espeak-ng")
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdin", "--stdout"],
        input=TEXT[: 20 * SECONDS].encode(),
        capture_output=True,
        check=True,
    )
    with wave.open(io.BytesIO(said.stdout)) as sound:
        rate = sound.getframerate()
        return rate, sound.readframes(SECONDS * rate)


def at_8000(rate: int, data: bytes) -> bytes:
    """Every so manyth sample between two, which is enough to be judged: what is above 4 kHz only adds to it."""
    samples = array.array("h", data)
    places = (i * rate / 8000 for i in range(len(samples) * 8000 // rate - 1))
    return array.array(
        "h",
        (round(samples[int(at)] + (samples[int(at) + 1] - samples[int(at)]) * (at % 1)) for at in places),
    ).tobytes()


@pytest.mark.parametrize("voice", VOICES)
def test_nobody_says_a_key(voice: str) -> None:
    data = at_8000(*spoken(voice))
    assert len(data) > SECONDS * 8000, "it has spoken"
    assert in_blocks(KeyDetector(8000).feed, data) == []


def test_no_music_plays_a_key() -> None:
    """Chords, and single notes of a piano's range."""
    sound = chain.from_iterable(music(SECONDS / 4, seed) for seed in range(3, 7))
    assert [one for one in in_blocks(KeyDetector(8000).feed, pcm(list(sound))) if isinstance(one, Tone)] == []
