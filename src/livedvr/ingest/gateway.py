"""The gateway's inputs (SEMANTICS I4): who may publish to one, and where ffmpeg pulls it from.

Publishers push to nginx, which asks for each of them; ours is the answer. nginx renames what it lets in, and ffmpeg
pulls it by that name: the key is in no argument list. The name says nothing, stays the same over restarts of the
controller, and changes with the key: what is published by an old key is never listed.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from livedvr.ingest.source import RTMP_PORT, Source, check_ports, check_pull, check_texts, parse_source, rtmp_pull
from livedvr.ingest.stream_key import wants_stream_key
from livedvr.resources.addresses import is_in_ranges
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, StorageError
from livedvr.resources.gateway import GATEWAY_APP, Gateway
from livedvr.resources.models import Channel, Input, InputKey
from livedvr.resources.pull_policy import PullPolicy

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What nginx is told of a publisher.

    Attributes:
        stream: the name its media goes under; None: it is refused.
        channel: whose key it has shown.
        refusal: why it is refused, when that is to be said of the channel.
    """

    stream: str | None = None
    channel: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayInputs:
    """Which inputs a gateway feeds, and by what names. ``secret``: of this data dir, so that no name can be guessed."""

    gateway: Gateway
    secret: bytes = field(repr=False)

    def source(self, channel: Channel, key: InputKey) -> Source:
        """What ffmpeg opens for an input: nginx's stream, or what the input itself says."""
        given = channel.inputs[key]
        source = parse_source(given)
        if not self._feeds(given):
            return source
        if urlsplit(given.uri).path != f"/{GATEWAY_APP}":
            raise InvalidArgument(
                f"publishers to the gateway use the app '{GATEWAY_APP}'",
                field="SOURCE",
                hint=f"rtmp://:{self.gateway.rtmp_port}/{GATEWAY_APP}, or another port for a listener of its own",
            )
        name = self._stream(channel.channel_id, key, given)
        return rtmp_pull(("127.0.0.1", self.gateway.rtmp_port), GATEWAY_APP, name, listens=True)

    def answer(self, channels: Iterable[Channel], shown: str, address: str) -> Answer:
        """Whether a publisher from an address may publish by the key it has shown. Each key is compared, to its end."""
        found = [one for one in self._inputs(channels) if hmac.compare_digest(_key(one[2]), shown.encode())]
        if len(found) != 1:
            return Answer()
        channel, key, given = found[0]
        ranges = given.security_rules.ip_ranges
        if ranges and not is_in_ranges(address, ranges):
            return Answer(channel=channel, refusal=f"{address} is not in the allow-list")
        return Answer(self._stream(channel, key, given), channel)

    def check_keys(self, channel: Channel, others: Iterable[Channel]) -> None:
        """FAILED_PRECONDITION when a key of the channel is another input's, too."""
        own = list(self._inputs([channel]))
        every = own + list(self._inputs(one for one in others if one.channel_id != channel.channel_id))
        for at, (_, key, given) in enumerate(own):
            if any(_key(other) == _key(given) for _, _, other in every[at + 1 :]):
                raise FailedPrecondition(
                    "another input of the gateway has this stream key",
                    field="backupInput" if key == "backup" else "input",
                    hint="give each input a key of its own, or none: one is made",
                )

    def _inputs(self, channels: Iterable[Channel]) -> Iterator[tuple[str, InputKey, Input]]:
        for channel in channels:
            for key, given in channel.inputs.items():
                if self._feeds(given) and given.stream_key is not None:
                    yield channel.channel_id, key, given

    def _feeds(self, given: Input) -> bool:
        return wants_stream_key(given) and (urlsplit(given.uri).port or RTMP_PORT) == self.gateway.rtmp_port

    def _stream(self, channel: str, key: InputKey, given: Input) -> str:
        return hmac.new(self.secret, b"%b/%b/%b" % (channel.encode(), key.encode(), _key(given)), "sha256").hexdigest()


def source_of(channel: Channel, key: InputKey, inputs: GatewayInputs | None) -> Source:
    """What ffmpeg opens for an input of a channel; ``inputs``: the gateway's, if there is one."""
    return parse_source(channel.inputs[key]) if inputs is None else inputs.source(channel, key)


def check_inputs(
    channel: Channel, others: Iterable[Channel], inputs: GatewayInputs | None, pull: PullPolicy | None
) -> None:
    """INVALID_ARGUMENT: an input is none, two wait on one port. FAILED_PRECONDITION: a key is another input's, too.

    PERMISSION_DENIED: an input is pulled from a host that is not on the operator's list.
    """
    sources = [source_of(channel, key, inputs) for key in channel.inputs]
    for source, name in zip(sources, ("input", "backupInput"), strict=False):
        check_pull(source, pull, field=f"{name}.uri")
    check_ports(sources)
    check_texts(channel, sources[0])
    if inputs is not None:
        inputs.check_keys(channel, others)


def load_secret(path: Path) -> bytes:
    """The secret behind the streams' names; made the first time, private to its user."""
    try:
        if path.exists():
            return path.read_bytes()
        made = secrets.token_bytes(SECRET_BYTES)
        draft = path.with_name(f"{path.name}.tmp")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("r+b") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise StorageError(f"cannot keep the gateway's secret: {error.strerror}", field=str(path)) from error
    return made


def _key(given: Input) -> bytes:
    return given.stream_key.get_secret_value().encode() if given.stream_key else b""
