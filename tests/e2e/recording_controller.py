"""A controller with recordings in each state, as a process of its own, so that it can be killed: FOLDER WEBHOOK."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from live import ffmpeg_pids
from livedvr import Channel, Input, LiveDvr, Notify, Output, RecordingLimits, RecordingSpec, WebhookPolicy
from livedvr.resources.streams import MuxStream, video_and_audio


def a_channel(name: str, folder: Path) -> Channel:
    return Channel(
        channel_id=name,
        input=Input(uri="testsrc"),
        output=Output(uri=str(folder / name)),
        elementary_streams=video_and_audio("h264"),
        mux_streams=(MuxStream(segment_duration=timedelta(seconds=1)),),
    )


async def main(folder: Path, webhook: str) -> None:
    """Says on stdout how its recordings stand, a line of JSON each, when there is nothing left to do but to die."""
    policy = WebhookPolicy.of([webhook])
    async with LiveDvr(folder / "data", webhooks=policy) as dvr:

        async def start(channel: str, name: str, **limits: timedelta) -> None:
            notify = (Notify(uri=f"http://{webhook}/{name}"),)
            spec = RecordingSpec(formats=("WAV",), notify=notify, limits=RecordingLimits(**limits))
            await dvr.recordings.start(channel, name, spec)

        async def until(name: str, state: str) -> None:
            async for seen in dvr.recordings.watch("live", name):
                if seen.state == state:
                    return

        for name in ("live", "later"):
            await dvr.channels.create(a_channel(name, folder))
        await start("later", "idle", max_duration=timedelta(seconds=1))
        for name in ("recording", "paused", "finalizing"):
            await start("live", name)
        await start("live", "ended", max_duration=timedelta(seconds=0.5))
        await dvr.channels.start("live")
        await until("ended", "SUCCEEDED")
        await dvr.recordings.pause("live", "paused")
        for pid in ffmpeg_pids(folder / "live"):
            os.kill(pid, signal.SIGSTOP)  # what ends now waits for its last media
        await dvr.recordings.stop("live", "finalizing")
        for channel in ("later", "live"):
            for one in await dvr.recordings.list(channel):
                print(one.model_dump_json(by_alias=True), flush=True)
        print(flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
