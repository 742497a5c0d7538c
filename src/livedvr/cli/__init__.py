"""The command line. `record`, `session`, `export`, `check`, `backup` and `gateway` work on this machine.

`input`, `channel`, `clip`, `recording`, `event`, `operation`, and `session` when told to, are clients of `serve`.
Commands are imported when they are called.
"""

from __future__ import annotations

import importlib

import click
from click.shell_completion import CompletionItem

_COMMANDS = {
    "record": ("livedvr.cli.record", "Record a DVR session from a live source."),
    "session": ("livedvr.cli.session", "Look at DVR sessions, change their windows, delete them."),
    "serve": ("livedvr.cli.serve", "Answer the Live Stream API over REST and gRPC."),
    "input": ("livedvr.cli.input", "Where to push to: the inputs of a server."),
    "channel": ("livedvr.cli.channel", "Create, start, stop the channels of a server."),
    "clip": ("livedvr.cli.clip", "Keep stretches of a channel of a server."),
    "recording": ("livedvr.cli.recording", "Record a channel of a server into files, within limits."),
    "event": ("livedvr.cli.event", "Switch inputs, insert ad breaks on a channel of a server."),
    "operation": ("livedvr.cli.operation", "What a server was asked to do, and how it stands."),
    "export": ("livedvr.cli.export", "One MP4 file of a session."),
    "check": ("livedvr.cli.check", "Check an HLS presentation against RFC 8216bis."),
    "backup": ("livedvr.cli.backup", "Copy the catalog, also while a controller runs."),
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

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table as well: nobody who presses Tab waits for all commands to be imported."""
        commands = [CompletionItem(name, help=text) for name, (_, text) in _COMMANDS.items()]
        return [item for item in commands if item.value.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livedvr", message="%(prog)s %(version)s")
def main() -> None:
    """A self-hosted DVR for live streams."""
