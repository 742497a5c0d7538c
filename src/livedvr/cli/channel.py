"""`livedvr channel`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from livedvr.cli.arguments import new_labels
from livedvr.cli.collection import ASYNC, FORCE, Commands, print_json, read_message, say
from livedvr.cli.kinds import CHANNEL, last
from livedvr.cli.remote import Message, Remote, spinner
from livedvr.cli.reported import EPILOG
from livedvr.resources.errors import InvalidArgument


@click.group(epilog=EPILOG)
def channel() -> None:
    """The channels of a `livedvr serve`."""


_COMMANDS = Commands(
    channel,
    CHANNEL,
    {
        "channel.output.uri": "--output",
        "output.uri": "--output",
        "channel.input_attachments[0].input": "--input",
        "channel.input_attachments[1].input": "--backup",
        "channel.mux_streams[0].segment_settings.segment_duration": "--segment-duration",
        "segment_duration": "--segment-duration",
        "channel.retention_config.retention_window_duration": "--retention",
    },
)
_COMMANDS.add(update=True, delete_options=(FORCE, ASYNC))


def create(resource_id: str, as_json: bool, from_file: str | None, **given: Any) -> None:
    """Create a channel, STOPPED: its inputs, where it writes, how the media is cut."""
    with _COMMANDS.server(given) as remote:
        body = _asked(remote, given) if from_file is None else _from_file(from_file)
        created = remote.wait(remote.create("channels", resource_id, body))
    say(f"created {last(created['name'])}: {created['output']['uri']}", created, as_json)


_BY_OPTIONS = ("input_id", "backup", "output", "label")


def _from_file(file: str) -> Message:
    context = click.get_current_context()
    both = [
        name for name in _BY_OPTIONS if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if both:
        option = f"--{both[0].removesuffix('_id')}"
        raise InvalidArgument("the file says it all", field=option, hint="give one or the other")
    return read_message(file)


def _asked(remote: Remote, given: Mapping[str, Any]) -> Message:
    from livedvr.cli.channel_message import channel_message
    from livedvr.record_options import RecordOptions

    for name in ("input_id", "output"):
        if not given[name]:
            option = f"--{name.removesuffix('_id')}"
            raise InvalidArgument("a channel needs one", field=option, hint="or describe it all with --from-file")
    options = RecordOptions(
        source="",
        output=given["output"],
        segment_duration=given["segment_duration"],
        container=given["container"],
        video=given["video"],
        ladder=given["ladder"],
        subtitles=given["subtitles"],
        retention=given["retention"],
    )
    named = {"primary": given["input_id"], "backup": given["backup"]}
    inputs = {key: remote.name("inputs", one) for key, one in named.items() if one is not None}
    return channel_message(options, inputs=inputs, frame_rate=given["frame_rate"], labels=new_labels(given["label"]))


_COMMANDS.command(
    create,
    options=(
        click.argument("resource_id", metavar="ID"),
        click.option("--input", "input_id", metavar="ID", help="The input that is recorded."),
        click.option("--backup", metavar="ID", help="An input that is on air while the first is lost."),
        click.option("--output", metavar="URI", help="Where it writes: gs://bucket/path, or a path on the server."),
        click.option("--segment-duration", metavar="D", default="2s", show_default=True, help="2s to 20s."),
        click.option(
            "--container", type=click.Choice(["fmp4", "ts"]), default="fmp4", show_default=True, help="CMAF or MPEG-TS."
        ),
        click.option(
            "--video",
            type=click.Choice(["copy", "h264", "h265"]),
            help="copy: video and audio as they come; h264, h265: encode (720p without a ladder), and AAC."
            " [default: copy; h264 for a ladder]",
        ),
        click.option("--ladder", metavar="HEIGHTS", help="Several qualities from one decode, e.g. 1080p,720p,480p."),
        click.option(
            "--frame-rate",
            type=click.FloatRange(0, 60, min_open=True),
            default=30,
            show_default=True,
            help="Of what is encoded.",
        ),
        click.option("--subtitles", metavar="WHAT", help="WebVTT of a subtitle track (0) or of captions (cc1:en)."),
        click.option(
            "--retention", metavar="D", default="24h", show_default=True, help="How long segments are kept at least."
        ),
        click.option("--label", multiple=True, metavar="K=V", help="Repeatable."),
        click.option("--from-file", metavar="FILE", help="The channel as the API's JSON, instead; - is stdin."),
    ),
)


def start(**given: Any) -> None:
    """Start a channel; it awaits its input when the command ends."""
    _act("start", **given)


def stop(**given: Any) -> None:
    """Stop a channel; what runs is sealed when the command ends."""
    _act("stop", **given)


def _act(verb: str, resource_id: str, as_json: bool, is_async: bool, **given: Any) -> None:
    with _COMMANDS.server(given) as remote:
        name = remote.name("channels", resource_id)
        operation = remote.act(name, verb)
        if is_async:
            say(operation["name"], operation, as_json)
            return
        with spinner(f"{last(name)}: {verb}"):
            remote.wait(operation)
        found = remote.get(name)
    print_json(found) if as_json else click.echo(f"{last(name)}: {found.get('streamingState', 'STOPPED')}")


for _command in (start, stop):
    _COMMANDS.command(_command, options=(click.argument("resource_id", metavar="ID"), ASYNC))
