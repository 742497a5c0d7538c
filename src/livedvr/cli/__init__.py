"""The command line: `livedvr record`, `session`, `export`, `check`, `gateway`. Each is imported when it is called."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "record": ("livedvr.cli.record", "Record a DVR session from a live source."),
    "session": ("livedvr.cli.session", "Look at DVR sessions, change their windows, delete them."),
    "export": ("livedvr.cli.export", "One MP4 file of a session."),
    "check": ("livedvr.cli.check", "Check an HLS presentation against RFC 8216bis."),
    "gateway": ("livedvr.cli.gateway", "One RTMP port for all channels, by nginx."),
}


class _Lazy(click.Group):
    """A group whose commands are imported on demand: `livedvr --help` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livedvr", message="%(prog)s %(version)s")
def main() -> None:
    """A self-hosted DVR for live streams."""
