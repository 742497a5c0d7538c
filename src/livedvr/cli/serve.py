"""`livedvr serve`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import click

from livedvr.resources.errors import LiveDvrError
from livedvr.serving import ServeOptions, Server

BAD_USAGE = 2


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
@click.option(
    "--allow-pull",
    multiple=True,
    metavar="HOST:PORT",
    help="From where inputs may be pulled, repeatable. [default: from nowhere]",
)
@click.option(
    "--stop-channels",
    is_flag=True,
    help="On exit channels are stopped and sealed. [default: ffmpeg goes on, for the next start within five minutes]",
)
def serve(output: str | None, data_dir: Path, **given: Any) -> None:
    """Answer the Live Stream API v1 over REST and gRPC.

    SIGINT and SIGTERM end it.
    """
    try:
        options = ServeOptions(data_dir, output or str(data_dir.absolute() / "media"), **given)
        asyncio.run(_serve(options))
    except LiveDvrError as error:
        click.echo(f"livedvr serve: {error}", err=True)
        sys.exit(BAD_USAGE)


async def _serve(options: ServeOptions) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with Server(options):
        click.echo(f"livedvr: REST on http://{options.http}, gRPC on {options.grpc}", err=True)
        await told.wait()
