"""`livedvr clip`."""

from __future__ import annotations

from typing import Any

import click

from livedvr.cli.arguments import new_labels, windows_of
from livedvr.cli.collection import ASYNC, Commands, say
from livedvr.cli.kinds import CLIP, last
from livedvr.cli.remote import Message, spinner
from livedvr.cli.reported import EPILOG
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import TimeInterval, to_micros
from livedvr.resources.times import format_time
from livedvr.wallclock import SystemClock


@click.group(epilog=EPILOG)
def clip() -> None:
    """The clips of a channel of a `livedvr serve`: past stretches that outlive what the channel keeps."""


_COMMANDS = Commands(clip, CLIP, {"clip.output_uri": "--output", "clip.clip_manifests[0].manifest_key": "--manifest"})
_COMMANDS.add(delete_options=(ASYNC,))


def create(resource_id: str, as_json: bool, is_async: bool, **given: Any) -> None:
    """Make a clip of what has been recorded, and wait until it is there."""
    with _COMMANDS.server(given) as remote:
        slices = [_slice(one) for one in windows_of(given, SystemClock().now(), "--slice")]
        body: Message = {
            "labels": new_labels(given["label"]),
            "outputUri": given["output"],
            "outputType": given["type"].upper(),
            "slices": [{"timeSlice": one} for one in slices],
            "clipManifests": [{"manifestKey": given["manifest"]}],
        }
        made = remote.wait(remote.create(_COMMANDS.collection(given), resource_id, body))
        if not is_async:
            with spinner(f"{last(made['name'])} is made"):
                made = remote.until(made, ["SUCCEEDED"])
    uri = next((one["outputUri"] for one in made.get("clipManifests", []) if "outputUri" in one), made["outputUri"])
    say(f"{made.get('state', 'PENDING')} {uri}", made, as_json)


def _slice(interval: TimeInterval) -> dict[str, str]:
    start, end = interval.start_time, interval.end_time
    if start is None or end is None:
        raise InvalidArgument("a clip has a start and an end", field="--end" if start else "--start")
    return {"markinTime": format_time(to_micros(start)), "markoutTime": format_time(to_micros(end))}


_COMMANDS.command(
    create,
    options=(
        click.argument("resource_id", metavar="ID"),
        click.option("--start", metavar="T", help="RFC 3339, -10m."),
        click.option("--end", metavar="T", help="As --start."),
        click.option("--duration", metavar="D", help="Length from the start: 30s, 1h30m."),
        click.option("--slice", "windows", multiple=True, metavar="START/END", help="Several stretches; repeatable."),
        click.option("--output", required=True, metavar="URI", help="Where it goes, as a channel's output."),
        click.option(
            "--type",
            type=click.Choice(["manifest", "mp4"]),
            default="manifest",
            show_default=True,
            help="HLS with segments of its own, or one file.",
        ),
        click.option("--manifest", metavar="KEY", default="main", show_default=True, help="Of which manifest."),
        click.option("--label", multiple=True, metavar="K=V", help="Repeatable."),
        ASYNC,
    ),
)
