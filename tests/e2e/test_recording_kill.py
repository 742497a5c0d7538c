"""A controller is killed while recordings are in each of their states: the next one goes on with all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import wave
from contextlib import suppress
from pathlib import Path

import pytest

from live import ffmpeg_pids
from livedvr import LiveDvr, Recording, WebhookPolicy
from receiver import Receiver

pytestmark = pytest.mark.e2e


async def die(folder: Path, webhook: str) -> dict[str, Recording]:
    """A controller lives until it has recordings in each state; as they were when it was killed."""
    program = Path(__file__).with_name("recording_controller.py")
    path = os.environ | {"PYTHONPATH": str(program.parent)}
    pipe = asyncio.subprocess.PIPE
    argv = [sys.executable, program, folder, webhook]
    controller = await asyncio.create_subprocess_exec(*argv, stdout=pipe, env=path)
    assert controller.stdout is not None
    found = {}
    try:
        while (line := await asyncio.wait_for(controller.stdout.readline(), 60)).strip():
            one = Recording.model_validate_json(line)
            found[one.recording_id] = one
    finally:
        with suppress(ProcessLookupError):
            controller.kill()
        await controller.wait()
        for pid in ffmpeg_pids(folder / "live"):
            os.kill(pid, signal.SIGCONT)
    return found


async def succeeded(dvr: LiveDvr, channel: str, name: str) -> Recording:
    async for seen in dvr.recordings.watch(channel, name):
        found = seen
    assert found.state == "SUCCEEDED", found
    return found


async def test_the_next_controller_goes_on_with_each(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.statuses = [503] * 100  # what has ended before is told by the next controller, too
        before = await die(tmp_path, receiver.authority)
        receiver.statuses.clear()
        refused = len(receiver.got)
        states = {"idle": "IDLE", "recording": "RECORDING", "paused": "PAUSED", "finalizing": "FINALIZING"}
        assert {name: one.state for name, one in before.items()} == {**states, "ended": "SUCCEEDED"}
        async with LiveDvr(tmp_path / "data", webhooks=WebhookPolicy.of([receiver.authority])) as dvr:
            await dvr.channels.start("later")
            finalized = await succeeded(dvr, "live", "finalizing")
            resumed = await dvr.recordings.resume("live", "paused")
            assert resumed.spans[:-1] == before["paused"].spans
            idle = await succeeded(dvr, "later", "idle")
            for name in ("recording", "paused"):
                await dvr.recordings.stop("live", name)
            after = {name: await succeeded(dvr, "live", name) for name in ("recording", "paused", "ended")}
            after |= {"idle": idle, "finalizing": finalized}
            while {one.uri.rpartition("/")[2] for one in receiver.got[refused:]} != set(after):
                await receiver.wait(len(receiver.got) + 1)
            for name in ("later", "live"):
                await dvr.channels.stop(name)
    assert finalized.spans == before["finalizing"].spans
    assert after["paused"].spans[0] == before["paused"].spans[0] and len(after["paused"].spans) == 2
    assert len(after["recording"].spans) == 1, "it has gone on while nobody was there"
    for name, one in after.items():
        (file,) = one.files
        lasted = sum((span.end_time - span.start_time).total_seconds() for span in one.spans)
        with wave.open(file.uri) as wav:
            assert wav.getnframes() / wav.getframerate() == pytest.approx(lasted, abs=0.002), name
    made = {path.name for name in ("live", "later") for path in (tmp_path / name / "recordings").iterdir()}
    assert made == {f"{name}.wav" for name in after}, "once each, and nothing beside"
