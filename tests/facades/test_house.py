"""The house that the facades' tests live in does what they take for granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from facades.house import House, cut_media, eventually
from livedvr import Notify, RecordingLimits, RecordingSpec
from livedvr.facades.facade import FacadeDesk
from livedvr.recordings.dialects import Dialect, Native
from livedvr.resources.times import SECOND
from receiver import Receiver


@dataclass
class Parrot:
    """A facade that says its name."""

    name: str = "parrot"
    listen: str = "127.0.0.1:0"
    dialect: Dialect = field(default_factory=Native)

    def open(self, desk: FacadeDesk) -> ASGIApp:
        return PlainTextResponse(desk.facade)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import imageio_ffmpeg

    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "voice")


async def test_what_it_brings_is_recorded_and_told_across_a_restart(
    wheel_ffmpeg: str, media: Path, tmp_path: Path
) -> None:
    headers: list[Mapping[str, str]] = []
    async with Receiver(lambda posted: headers.append(posted.headers)) as receiver:
        receiver.statuses = [500]
        async with House(tmp_path, Parrot(), media, webhooks=(receiver.authority,)) as house:
            assert (await house.ask("GET", "/")).body == b"parrot"
            limits = RecordingLimits(max_duration=timedelta(seconds=3))
            spec = RecordingSpec(formats=("WAV", "MP4"), limits=limits, notify=(Notify(uri=receiver.uri()),))
            await house.dvr.recordings.start("live", "take", spec)
            await house.bring(3)
            found = await house.until("take", "SUCCEEDED")
            assert found.duration == timedelta(seconds=3)
            await receiver.wait(1)
            await eventually(lambda: house.waiting() == [1])
            await house.restart()
            house.clock.advance(SECOND)
            first, second = await receiver.wait(2)
            assert first.body == second.body and headers[1]["x-livedvr-event"] == "RECORDING_SUCCEEDED"
