"""Voices above the noise of a line, whatever that is."""

from __future__ import annotations

import pytest

from livedvr.recordings.silence import VoiceDetector
from recordings.sounds import in_blocks, mixed, noise, pcm, silence, tone


def voices(sound: list[float]) -> list[tuple[float, float]]:
    """Seconds; each as far as it had come in the end."""
    found = [one for one in in_blocks(VoiceDetector(8000).feed, pcm(sound)) if isinstance(one, tuple)]
    return sorted((start / 1e6, end / 1e6) for start, end in dict(found).items())


@pytest.mark.parametrize("room", [-90, -60, -45, -36])
def test_a_voice_in_any_room(room: float) -> None:
    quiet = silence(2.2)
    talk = [*quiet, *tone(300, 2.1, -15), *silence(2)]
    ((start, end),) = voices(mixed(talk, noise(6.3, room)))
    assert start == pytest.approx(2.2, abs=0.1) and end == pytest.approx(4.3, abs=0.1)


def test_a_noise_alone_is_silence_and_a_click_is_no_voice() -> None:
    assert voices(noise(5, -40)) == []
    assert voices([*silence(1), *tone(500, 0.03, -6), *silence(1)]) == []


def test_a_short_pause_is_none() -> None:
    spoken = [*silence(1), *tone(300, 0.5), *silence(0.15), *tone(300, 0.5), *silence(1)]
    assert len(voices(spoken)) == 1
    assert len(voices([*silence(1), *tone(300, 0.5), *silence(0.3), *tone(300, 0.5), *silence(1)])) == 2


def test_what_is_audible_at_all() -> None:
    detector = VoiceDetector(8000)
    in_blocks(detector.feed, pcm([*silence(1), *noise(1, -40), *noise(1, -60)]))
    ((start, end),) = detector.take_audible()
    assert (start, end) == (1_000_000, 2_000_000) and detector.take_audible() == []
