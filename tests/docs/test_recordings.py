"""docs/recordings.md: its Python code records what it says."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from livedvr import Channel, Input, LiveDvr, Output
from livedvr.resources.streams import video_and_audio

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "recordings.md").read_text()


async def make_channel(folder: Path) -> None:
    """The channel `live` of the data dir that the code opens."""
    async with LiveDvr(folder / "out/.livedvr") as dvr:
        output = Output(uri=str(folder / "out"))
        streams = video_and_audio("h264")
        await dvr.channels.create(
            Channel(channel_id="live", input=Input(uri="testsrc"), output=output, elementary_streams=streams)
        )


def test_its_code_records(wheel_ffmpeg: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    asyncio.run(make_channel(tmp_path))
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "SUCCEEDED MAX_DURATION 0:00:02\n"
    with wave.open(str(tmp_path / "out/recordings/take-1.wav")) as wav:
        assert wav.getnframes() == 2 * wav.getframerate(), "to the sample"
    assert (tmp_path / "out/recordings/take-1.mp4").stat().st_size > 10_000
