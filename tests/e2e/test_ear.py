"""What is heard of real segments: keys and voices when they sound, whatever container, also across two segments."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from builders import T0
from livedvr.recordings.listening import Listening
from livedvr.recordings.spans import resume
from offline import clip_with_sound, cut_offline

pytestmark = pytest.mark.e2e

KEYS = {"1": (697, 1209, 0.7), "5": (770, 1336, 1.975), "9": (852, 1477, 3.98), "#": (941, 1477, 6.3)}


CASES = [("fmp4", False, 48000), ("ts", False, 44100), ("fmp4", True, 16000)]


@pytest.mark.parametrize(("container", "apart", "rate"), CASES)
def test_keys_sound_when_they_do(wheel_ffmpeg: str, tmp_path: Path, container: str, apart: bool, rate: int) -> None:
    """Of 60 ms each; two of them lie across the edge of two segments."""
    tones = "+".join(
        f"0.2*(sin(2*PI*{low}*t)+sin(2*PI*{high}*t))*between(t,{at},{at}+0.06)" for low, high, at in KEYS.values()
    )
    clip_with_sound(wheel_ffmpeg, tmp_path / "clip.mp4", tones, "-b:a", "64k", "-g", "50", rate=rate)
    channel, known = cut_offline(wheel_ffmpeg, tmp_path / "clip.mp4", tmp_path / "out", container, apart=apart)
    listening = Listening(channel, known)
    listening.begin("take", T0, None)
    while asyncio.run(listening.listen()):
        pass
    heard = listening.heard("take", resume((), T0), None)
    assert heard is not None
    found = {tone.key: (tone.start - T0) / 1e6 for tone in heard.keys}
    assert found == {key: pytest.approx(at, abs=0.03) for key, (_, _, at) in KEYS.items()}
