"""The kinds of resources that commands list: where they are, and what a table shows of each. Pure.

A stream key is shown by `get` and `create` alone: `listed` takes it out of what else is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from livedvr.cli.columns import labels
from livedvr.resources.addresses import public_uri

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """``word``: as people call it, ``collection``: as the API does. ``on_channel``: whether it belongs to a channel.
    ``newest_first``: listed so, since its names begin with when it was made and the API knows no other order for it."""

    word: str
    collection: str
    on_channel: bool
    cells: Mapping[str, Callable[[Resource], str]]
    newest_first: bool = False

    def header(self) -> list[str]:
        """The table's first line."""
        return list(self.cells)

    def row(self, resource: Resource) -> list[str]:
        """The resource's line; ``-`` where there is nothing to say."""
        return [cell(resource) or "-" for cell in self.cells.values()]


def listed(resource: Any) -> Any:
    """A resource, or an operation that answers with one, without the keys that let a publisher in."""
    if isinstance(resource, list):
        return [listed(one) for one in resource]
    if not isinstance(resource, dict):
        return resource
    shown = {key: listed(value) for key, value in resource.items()}
    if isinstance(shown.get("uri"), str):
        shown["uri"] = address(shown["uri"])
    return shown


def address(uri: str) -> str:
    """A URI without what is secret in it: where an input is pushed to or pulled from, where an output is."""
    if uri.startswith(("gs://", "/", "file://")):
        return uri  # an output's
    if uri.startswith(("rtmp://", "srt://")):
        return f"{urlsplit(uri).scheme}://{urlsplit(uri).netloc.rpartition('@')[2]}"
    return public_uri(uri)


def last(name: str) -> str:
    """``news`` of ``projects/p/locations/l/channels/news``."""
    return name.rpartition("/")[2]


def _id(resource: Resource) -> str:
    return last(resource["name"])


def _labels(resource: Resource) -> str:
    return labels(resource.get("labels", {}))


def _field(*path: str) -> Callable[[Resource], str]:
    def find(resource: Resource) -> str:
        found: Any = resource
        for key in path:
            found = found.get(key, {})
        return str(found) if found else ""

    return find


def _inputs(channel: Resource) -> str:
    return " ".join(last(one.get("input", "")) for one in channel.get("inputAttachments", []))


def _slices(clip: Resource) -> str:
    times = [one.get("timeSlice", {}) for one in clip.get("slices", [])]
    return " ".join(f"{one.get('markinTime', '..')}/{one.get('markoutTime', '..')}" for one in times)


_TASKS = ("inputSwitch", "adBreak", "returnToProgram", "slate", "mute", "unmute", "updateEncryptions")


def _task(event: Resource) -> str:
    task = next((one for one in _TASKS if one in event), "")
    detail = event.get(task, {})
    return " ".join((task, *(str(value) for value in detail.values()))) if detail else task


def _progress(operation: Resource) -> str:
    if not operation.get("done"):
        return "running"
    return f"failed: {operation['error'].get('message', '')}" if "error" in operation else "done"


def _target(operation: Resource) -> str:
    """From the location on."""
    return "/".join(operation.get("metadata", {}).get("target", "").split("/")[4:])


INPUT = Kind(
    "input",
    "inputs",
    False,
    {
        "INPUT": _id,
        "TYPE": _field("type"),
        "TIER": _field("tier"),
        "ADDRESS": lambda one: address(one.get("uri", "")),
        "LABELS": _labels,
    },
)
CHANNEL = Kind(
    "channel",
    "channels",
    False,
    {
        "CHANNEL": _id,
        "STATE": _field("streamingState"),
        "INPUTS": _inputs,
        "ACTIVE": _field("activeInput"),
        "OUTPUT": _field("output", "uri"),
        "RETENTION": _field("retentionConfig", "retentionWindowDuration"),
        "LABELS": _labels,
    },
)
CLIP = Kind(
    "clip",
    "clips",
    True,
    {
        "CLIP": _id,
        "STATE": _field("state"),
        "TYPE": _field("outputType"),
        "SLICES": _slices,
        "OUTPUT": _field("outputUri"),
        "LABELS": _labels,
    },
)
EVENT = Kind(
    "event",
    "events",
    True,
    {
        "EVENT": _id,
        "STATE": _field("state"),
        "TASK": _task,
        "TIME": lambda one: str(one.get("executionTime", "")) or str(one.get("createTime", "")),
        "LABELS": _labels,
    },
)
OPERATION = Kind(
    "operation",
    "operations",
    False,
    {
        "OPERATION": _id,
        "VERB": _field("metadata", "verb"),
        "TARGET": _target,
        "STATE": _progress,
        "CREATED": _field("metadata", "createTime"),
        "ENDED": _field("metadata", "endTime"),
    },
    newest_first=True,
)
