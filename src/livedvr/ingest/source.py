"""What a SOURCE is: ``testsrc``, a media file, ``srt://...``, ``udp://...`` (SEMANTICS I1, I3, I6)."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from livedvr.resources.errors import Aborted, InvalidArgument
from livedvr.resources.models import Channel, Input

Kind = Literal["testsrc", "file", "srt", "udp"]

# Protocol options that may stand in a URL's query, with ffmpeg's names. They travel as options before -i, never in
# the URL: ffmpeg logs its input's URL, and a passphrase does not belong into a log.
_OPTIONS: dict[str, frozenset[str]] = {
    "srt": frozenset({"mode", "passphrase", "pbkeylen", "streamid", "latency", "rcvlatency", "maxbw"}),
    "udp": frozenset({"localaddr", "fifo_size", "buffer_size", "reuse", "sources"}),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A source that can be opened. ``listens``: it waits for a publisher instead of connecting to one (I3)."""

    kind: Kind
    url: str
    options: tuple[tuple[str, str], ...] = ()
    listens: bool = False
    address: tuple[str, int] | None = None  # host and UDP port it binds to, when it listens
    loop: bool = False

    @property
    def ends(self) -> bool:
        """Whether the end of the media is the end of the source, not a loss."""
        return self.kind == "file" and not self.loop


def parse_source(given: Input) -> Source:
    """The source an input's URI means; INVALID_ARGUMENT names what is wrong with it. Nothing is opened."""
    uri = given.uri
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if given.loop and (scheme in ("srt", "udp") or uri == "testsrc"):
        raise InvalidArgument("only a file can be looped", field="--loop")
    if uri == "testsrc":
        return Source("testsrc", "testsrc")
    if scheme in ("srt", "udp"):
        return _network(uri)
    if scheme == "file" or not scheme:
        return _file(unquote(urlsplit(uri).path) if scheme else uri, loop=given.loop)
    raise InvalidArgument(
        f"'{scheme}://' is not a scheme livedvr can take",
        field="SOURCE",
        hint="use testsrc, a file, srt://host:port or udp://host:port",
    )


def _file(path: str, *, loop: bool) -> Source:
    return Source("file", str(Path(path).resolve()), loop=loop)


def _network(uri: str) -> Source:
    scheme: Literal["srt", "udp"] = "srt" if uri.startswith("srt:") else "udp"
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise InvalidArgument(f"'{uri.partition('?')[0]}' is not a URL: {error}", field="SOURCE") from error
    try:
        port = parts.port
    except ValueError:  # no number, or one that is too large
        port = None
    if not port:
        raise InvalidArgument(f"'{uri.partition('?')[0]}' has no port", field="SOURCE", hint=f"{scheme}://host:port")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS[scheme]:
            known = ", ".join(sorted(_OPTIONS[scheme]))
            raise InvalidArgument(f"{scheme} has no option '{name}'", field="SOURCE", hint=f"it has {known}")
    host = parts.hostname or ""
    mode = options.setdefault("mode", "caller" if host else "listener") if scheme == "srt" else "listener"
    if mode not in ("caller", "listener"):
        raise InvalidArgument(f"mode '{mode}' is not possible", field="SOURCE", hint="mode=listener or mode=caller")
    if scheme == "srt" and 0 < len(options.get("passphrase", "")) < 10:
        raise InvalidArgument("an SRT passphrase has at least 10 characters", field="SOURCE")
    host = host or "127.0.0.1"  # I6: loopback unless told otherwise
    if scheme == "udp" and not _is_multicast(host):
        options.setdefault("localaddr", host)  # ffmpeg 5.1 binds to all addresses whatever the URL says (measured)
    quoted = f"[{host}]" if ":" in host else host
    listens = mode == "listener"
    return Source(
        scheme,
        f"{scheme}://{quoted}:{port}",
        tuple(sorted(options.items())),
        listens,
        (host, port) if listens else None,
    )


def _is_multicast(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:  # a name
        return False


def check_inputs(channel: Channel) -> None:
    """INVALID_ARGUMENT when an input of the channel is none, or when two wait on one port. Nothing is opened."""
    addresses = [parse_source(given).address for given in channel.inputs.values()]
    taken = [address for address in addresses if address is not None]
    if len(set(taken)) < len(taken):
        raise InvalidArgument("both inputs listen on one port", field="backupInput", hint="give each a port of its own")


def check_file(source: Source) -> None:
    """INVALID_ARGUMENT when a source is a file that is not there or cannot be read."""
    if source.kind != "file":
        return
    if not Path(source.url).is_file():
        raise InvalidArgument(
            f"there is no file '{source.url}'", field="SOURCE", hint="or did you mean srt:// or udp://?"
        )
    if not os.access(source.url, os.R_OK):
        raise InvalidArgument(f"the file '{source.url}' cannot be read", field="SOURCE", hint="check its permissions")


def check_port(source: Source) -> None:
    """ABORTED when the port a source wants to listen on is taken, INVALID_ARGUMENT when its address is not ours.

    Asked before each start of ffmpeg, whose own message is only ``Input/output error``. SRT is UDP underneath.
    """
    if source.address is None:
        return
    host, port = source.address
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except socket.gaierror as error:
        raise InvalidArgument(f"the host '{host}' is not known", field="SOURCE") from error
    if ipaddress.ip_address(info[4][0]).is_multicast:
        return  # many may listen to a group
    if dict(source.options).get("reuse") == "1":
        return  # so the user wants to share it
    with socket.socket(info[0], socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(info[4])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Aborted(
                    f"port {port}/udp on {host} is taken by another program", field="SOURCE", hint="use another port"
                ) from error
            raise InvalidArgument(
                f"cannot listen on {host}: {error.strerror}", field="SOURCE", hint="use an address of this machine"
            ) from error
