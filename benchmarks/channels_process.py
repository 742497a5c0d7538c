"""``python -m benchmarks.channels_process FOLDER FILE COUNT SEGMENT``: a controller whose channels copy a file.

In real time, with a key picture each SEGMENT seconds. Each has a session with an open window. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from builders import channel
from livedvr import Input, LiveDvr, TimeInterval, video_and_audio
from livedvr.resources.models import to_datetime
from livedvr.resources.streams import MuxStream
from livedvr.wallclock import SystemClock


async def main(folder: Path, file: Path, count: int, segment: int) -> None:
    """Until stdin is closed."""
    async with LiveDvr(folder / "data") as dvr:
        for number in range(count):
            made = channel(
                str(folder / f"c{number}"),
                channel_id=f"c{number}",
                input=Input(uri=str(file), loop=True),
                elementary_streams=video_and_audio(),
                mux_streams=(MuxStream(segment_duration=timedelta(seconds=segment)),),
                target_duration=segment,  # given, not waited for
            )
            await dvr.channels.create(made)
            await dvr.channels.start(f"c{number}")
            window = TimeInterval(start_time=to_datetime(SystemClock().now()))
            await dvr.sessions.create(f"c{number}", "demo", windows=[window])
        await asyncio.to_thread(sys.stdin.read)
        for number in range(count):
            (await dvr.runtime(f"c{number}")).kill()  # fifty files end at once: their last segments are nobody's


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
