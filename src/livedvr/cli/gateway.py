"""`livedvr gateway`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from livedvr.gateway.nginx import nginx_conf
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.gateway import Gateway

BAD_USAGE = 2


@click.group()
def gateway() -> None:
    """One RTMP port for all channels; see docs/gateway.md."""


@gateway.command()
@click.option(
    "--rtmp", metavar="ADDRESS:PORT", default="127.0.0.1:1935", show_default=True, help="Where publishers push to."
)
@click.option(
    "--controller",
    metavar="ADDRESS:PORT",
    default="127.0.0.1:8935",
    show_default=True,
    help="Where livedvr is asked whether they may, on loopback.",
)
def nginx(rtmp: str, controller: str) -> None:
    """Print the whole configuration for nginx (Debian: apt install nginx libnginx-mod-rtmp).

    livedvr gateway nginx > gateway.conf; nginx -c "$PWD/gateway.conf"
    """
    try:
        given = Gateway(rtmp=rtmp, controller=controller)
    except LiveDvrError as error:
        click.echo(f"livedvr gateway: --{error}", err=True)
        sys.exit(BAD_USAGE)
    click.echo(nginx_conf(given, str(_pid_folder() / f"livedvr-gateway-{given.rtmp_port}.pid")), nl=False)


def _pid_folder() -> Path:
    """Where the user who runs this may keep nginx's process id."""
    return Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
