"""A controller as a process of its own, so that it can be killed: RTMP CONTROLLER FOLDER KEY... (a channel each)."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from gateway import gateway_channel
from livedvr import Gateway, LiveDvr, TimeInterval


async def main(rtmp: str, controller: str, folder: Path, *keys: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    gateway = Gateway(rtmp=rtmp, controller=controller)
    async with LiveDvr(folder / "data", gateway=gateway) as dvr:
        known = [channel.channel_id for channel in await dvr.channels.list()]
        for number, key in enumerate(keys):
            made = gateway_channel(gateway, f"channel-{number}", folder, key)
            if made.channel_id not in known:
                await dvr.channels.create(made)
                await dvr.channels.start(made.channel_id)
                await dvr.sessions.create(made.channel_id, "demo", [TimeInterval()])
        await stop.wait()
        for channel in await dvr.channels.list():
            await dvr.channels.stop(channel.channel_id)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
