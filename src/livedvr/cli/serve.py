"""`livedvr serve`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import click

from livedvr.api.watch.log import fields, open_log
from livedvr.resources.errors import LiveDvrError
from livedvr.serving import ServeOptions, Server

BAD_USAGE = 2
_FILE = click.Path(path_type=Path)
_log = logging.getLogger("livedvr.serve")


@click.command()
@click.option(
    "--data-dir", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Where the catalog lives."
)
@click.option(
    "--output",
    metavar="URI",
    help="Where channels may write: a directory, gs://bucket/prefix, gs:// for any bucket. [default: DATA_DIR/media]",
)
@click.option("--http", metavar="ADDRESS:PORT", default="127.0.0.1:8080", show_default=True, help="REST.")
@click.option("--grpc", metavar="ADDRESS:PORT", default="127.0.0.1:8090", show_default=True, help="gRPC.")
@click.option(
    "--ingest",
    metavar="ADDRESS:FIRST-LAST",
    default="127.0.0.1:20000-20099",
    show_default=True,
    help="Where publishers push to, a port an input.",
)
@click.option("--ingest-host", metavar="NAME", help="The name under which publishers reach it. [default: the address]")
@click.option("--token-file", metavar="FILE", type=_FILE, help="Who may ask: lines of TOKEN read|write [NAME].")
@click.option("--tls-cert", metavar="FILE", type=_FILE, help="Certificate of both doors, with its chain, PEM.")
@click.option("--tls-key", metavar="FILE", type=_FILE, help="Its key, PEM.")
@click.option("--public-media", is_flag=True, help="Playlists and segments are for everybody, also without a token.")
@click.option("--tls-by-proxy", is_flag=True, help="A proxy does TLS: plain text also where others reach it.")
@click.option(
    "--allow-pull",
    multiple=True,
    metavar="HOST:PORT",
    help="From where inputs may be pulled, repeatable. [default: from nowhere]",
)
@click.option(
    "--allow-webhook",
    multiple=True,
    metavar="HOST:PORT",
    help="Who in a private network may be told of recordings, repeatable. [default: nobody]",
)
@click.option(
    "--facades",
    metavar="FILE",
    type=_FILE,
    help="Other systems' recording APIs: docs/recordings-tencent.md, -enfonica, -zego, -graph.",
)
@click.option(
    "--stop-channels",
    is_flag=True,
    help="On exit channels are stopped and sealed. [default: ffmpeg goes on, for the next start within five minutes]",
)
def serve(output: str | None, data_dir: Path, **given: Any) -> None:
    """Answer the Live Stream API v1 over REST and gRPC.

    SIGINT and SIGTERM end it, a second one at once; SIGHUP has it read the token file again.
    """
    open_log(sys.stderr)
    try:
        options = ServeOptions(data_dir, output or str(data_dir.absolute() / "media"), **given)
        asyncio.run(_serve(options))
    except LiveDvrError as error:
        click.echo(f"livedvr serve: {error}", err=True)
        sys.exit(BAD_USAGE)


async def _serve(options: ServeOptions) -> None:
    server = Server(options)
    loop, opened, told = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    serving = loop.create_task(_until_told(server, opened, told))

    def leave() -> None:
        if told.is_set():
            server.hurry()
        elif not opened.is_set():
            serving.cancel()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave)
    loop.add_signal_handler(signal.SIGHUP, _reload, server)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _until_told(server: Server, opened: asyncio.Event, told: asyncio.Event) -> None:
    async with server:
        opened.set()
        _log.info("serving", extra=fields(**server.addresses))
        await told.wait()
        _log.info("leaving")


def _reload(server: Server) -> None:
    try:
        server.reload()
    except LiveDvrError as error:
        _log.error("the tokens stay as they were: %s", error)
    else:
        _log.info("the tokens have been read again")
