"""What a SOURCE is: ``testsrc``, a media file, ``srt://...``, ``rtmp://...``, ... (SEMANTICS I1, I3, I6)."""

from __future__ import annotations

import errno
import ipaddress
import itertools
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from livedvr.resources.addresses import listens_for_rtmp, public_uri
from livedvr.resources.errors import Aborted, InvalidArgument
from livedvr.resources.models import Channel, Edges, Input
from livedvr.resources.pull_policy import PullPolicy

Kind = Literal["testsrc", "file", "srt", "udp", "rtmp", "rtsp", "hls"]

# Protocol options that may stand in a URL's query, with ffmpeg's names. They travel as options before -i, never in
# the URL: ffmpeg logs its input's URL, and a passphrase does not belong into a log.
_OPTIONS: dict[str, frozenset[str]] = {
    "srt": frozenset({"mode", "passphrase", "pbkeylen", "streamid", "latency", "rcvlatency", "maxbw"}),
    "udp": frozenset({"localaddr", "fifo_size", "buffer_size", "reuse", "sources"}),
}

RTMP_PORT = 1935
_RTMP_APP = re.compile(r"/[A-Za-z0-9._~-]{1,64}")

# What an RTMP listener expects as the stream's name: no stream key can be this, so ffmpeg says each publisher's in its
# log. It does not refuse any; `livedvr.ingest.door` does.
NO_NAME = "*"

NEWEST = 3  # no nearer to the live edge of an HLS source (RFC 8216bis 6.3.3)


@dataclass(frozen=True, slots=True)
class Source:
    """A source that can be opened.

    Attributes:
        listens: it waits for a publisher instead of connecting to one (I3).
        address: host and port it binds to, when it listens itself (and not the gateway).
        paced: an HLS source that is all there already: it is played in real time.
        newest: with how many of an HLS source's last segments reading begins.
        mirrored: its URL is our own fetcher's, which reads an HLS source for it.
        stream_key: what a publisher over RTMP has to know (I4).
        ip_ranges: from where a publisher over RTMP may come; empty: from everywhere.
        secrets: what ffmpeg may write into its log and nobody is to read there.
        crop: what is cut off its picture, and ``pad`` what is put around that, before it is encoded.
    """

    kind: Kind
    url: str
    options: tuple[tuple[str, str], ...] = ()
    listens: bool = False
    address: tuple[str, int] | None = None
    loop: bool = False
    paced: bool = False
    newest: int = NEWEST
    mirrored: bool = False
    stream_key: str | None = field(default=None, repr=False)
    ip_ranges: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    crop: Edges | None = None
    pad: Edges | None = None

    @property
    def ends(self) -> bool:
        """Whether the end of the media is the end of the source, not a loss."""
        return self.kind == "file" and not self.loop

    @property
    def is_fed(self) -> bool:
        """Whether its publishers come to the gateway, which lets them in or not."""
        return self.listens and self.address is None

    @property
    def pulls(self) -> bool:
        """Whether it connects to somebody, who may be told by the operator's list (I6)."""
        return self.kind in ("srt", "rtmp", "rtsp", "hls") and not self.listens

    @property
    def has_timed_texts(self) -> bool:
        """Whether a subtitle track's cues have the time of the pictures.

        Measured: of HLS 9.x ignores X-TIMESTAMP-MAP and loses cues, 5.1 reads none; a file is looped by what is read of
        it, and for subtitles alone that ends with the last cue.
        """
        return self.kind != "hls" and not self.loop

    @property
    def transport(self) -> Literal["tcp", "udp"]:
        """What it listens by; SRT is UDP underneath."""
        return "tcp" if self.kind == "rtmp" else "udp"

    @property
    def shown(self) -> str:
        """Its URL for logs and errors."""
        return public_uri(self.url)


def parse_source(given: Input) -> Source:
    """The source an input's URI means; INVALID_ARGUMENT names what is wrong with it. Nothing is opened."""
    uri = given.uri
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if given.loop and (scheme not in ("", "file") or uri == "testsrc"):
        raise InvalidArgument("only a file can be looped", field="--loop")
    source = _parse(uri, scheme, given)
    if given.stream_key is not None and source.stream_key is None:
        raise InvalidArgument(
            "only an RTMP listener has a stream key", field="streamKey", hint="use passphrase= for SRT"
        )
    if given.security_rules.ip_ranges:
        _check_ranges(source, given.security_rules.ip_ranges)
    return replace(source, crop=given.crop, pad=given.pad)


def _parse(uri: str, scheme: str, given: Input) -> Source:
    match scheme:
        case "" if uri == "testsrc":
            return Source("testsrc", "testsrc")
        case "srt" | "udp":
            return _packets(_split(uri), scheme, given)
        case "rtmp":
            return _rtmp(_split(uri), given)
        case "rtsp":
            return _rtsp(_split(uri))
        case "http" | "https":
            return _hls(_split(uri))
        case "" | "file":
            path = unquote(urlsplit(uri).path) if scheme else uri
            return Source("file", str(Path(path).resolve()), loop=given.loop)
    raise InvalidArgument(
        f"'{scheme}://' is not a scheme livedvr can take",
        field="SOURCE",
        hint="use testsrc, a file, rtmp://, srt://, udp://, rtsp://, or http(s):// for HLS",
    )


def _check_ranges(source: Source, ranges: tuple[str, ...]) -> None:
    """Where the allow-list cannot be kept, it is refused."""
    if not source.listens:
        raise InvalidArgument("nobody publishes to this source", field="ipRanges", hint="leave it out")
    if source.kind == "srt":
        raise InvalidArgument(
            "ffmpeg does not tell who publishes over SRT", field="ipRanges", hint="use passphrase=, or a firewall"
        )
    if source.kind == "udp" and any("/" in one for one in ranges):
        raise InvalidArgument(
            "over UDP single addresses can be told apart, networks cannot",
            field="ipRanges",
            hint="name each sender's address, or use a firewall",
        )


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a number that is none, or too large
    except ValueError as error:
        raise InvalidArgument(
            f"'{public_uri(uri)}' is not a URL (has no port it can use): {error}", field="SOURCE"
        ) from error
    return parts


def _packets(parts: SplitResult, scheme: Literal["srt", "udp"], given: Input) -> Source:
    """MPEG-TS over SRT or UDP."""
    if not parts.port:
        raise InvalidArgument(
            f"'{public_uri(parts.geturl())}' has no port", field="SOURCE", hint=f"{scheme}://host:port"
        )
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
    url = f"{scheme}://{_authority(host, parts.port)}"
    # In the URL, for as an option it lets nobody in (measured, 5.1 and 9.0).
    senders = ",".join(given.security_rules.ip_ranges) or options.pop("sources", "") if scheme == "udp" else ""
    listens = mode == "listener"
    return Source(
        scheme,
        f"{url}?sources={senders}" if senders else url,
        tuple(sorted(options.items())),
        listens,
        (host, parts.port) if listens else None,
    )


def _rtmp(parts: SplitResult, given: Input) -> Source:
    """A publisher's door, or a stream of somebody's server. Names travel as options: ffmpeg logs URLs."""
    mode = dict(parse_qsl(parts.query, keep_blank_values=True)).get("mode", "listener")
    if mode != "listener":
        raise InvalidArgument(f"mode '{mode}' is not possible", field="SOURCE", hint="mode=listener, or none to pull")
    if parts.username is not None:
        raise InvalidArgument("RTMP takes no user and password here", field="SOURCE", hint="leave them out")
    host, port = parts.hostname or "127.0.0.1", parts.port or RTMP_PORT
    url = f"rtmp://{_authority(host, port)}"
    if not listens_for_rtmp(parts):
        app, _, stream = parts.path.removeprefix("/").partition("/")
        if not app or not stream:
            raise InvalidArgument(
                "an RTMP server's stream has an app and a name", field="SOURCE", hint="rtmp://host/app/stream"
            )
        stream += f"?{parts.query}" if parts.query else ""
        return rtmp_pull((host, port), app, stream)
    if not _RTMP_APP.fullmatch(parts.path):
        raise InvalidArgument(
            "an RTMP listener needs an app, and a stream key behind it unless one is to be made",
            field="SOURCE",
            hint="rtmp://:1935/live or rtmp://:1935/live/KEY",
        )
    key = given.stream_key.get_secret_value() if given.stream_key else ""
    return Source(
        "rtmp",
        f"{url}{parts.path}/{NO_NAME}",
        (("listen", "1"),),
        listens=True,
        address=(host, port),
        stream_key=key,
        ip_ranges=given.security_rules.ip_ranges,
        secrets=(key,) if key else (),
    )


def rtmp_pull(server: tuple[str, int], app: str, stream: str, *, listens: bool = False) -> Source:
    """A live stream of an RTMP server; ``listens``: the server keeps us waiting until somebody publishes it."""
    options = (("rtmp_app", app), ("rtmp_live", "live"), ("rtmp_playpath", stream))
    return Source("rtmp", f"rtmp://{_authority(*server)}", options, listens=listens)


def _rtsp(parts: SplitResult) -> Source:
    """A camera or a server of RTSP. ffmpeg takes user and password in the URL only."""
    if not parts.hostname:
        raise InvalidArgument("an RTSP source has a host", field="SOURCE", hint="rtsp://user:password@host/path")
    secrets = (parts.password, unquote(parts.password)) if parts.password else ()
    return Source("rtsp", parts.geturl(), secrets=secrets)


def _hls(parts: SplitResult) -> Source:
    """Somebody's HLS playlist."""
    if not parts.hostname:
        raise InvalidArgument("an HLS source has a host", field="SOURCE", hint="https://host/path.m3u8")
    if parts.username is not None:
        raise InvalidArgument("HLS is read without user and password", field="SOURCE", hint="leave them out")
    return Source("hls", parts._replace(fragment="").geturl())


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_multicast(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:  # a name
        return False


def check_ports(sources: Iterable[Source]) -> None:
    """INVALID_ARGUMENT when two of a channel's inputs wait on one port. Nothing is opened."""
    taken = [(source.transport, *source.address) for source in sources if source.address is not None]
    for (transport, host, port), (other, at, number) in itertools.combinations(taken, 2):
        # Who listens on all addresses of the machine leaves none.
        if (transport, port) == (other, number) and (host == at or not {"0.0.0.0", "::"}.isdisjoint((host, at))):
            raise InvalidArgument(
                "both inputs listen on one port", field="backupInput", hint="give each a port of its own"
            )


def check_texts(channel: Channel, source: Source) -> None:
    """Where the time of a subtitle track cannot be told, it is refused."""
    texts = [stream.text_stream for stream in channel.elementary_streams if stream.text_stream]
    if source.has_timed_texts or all(text.input_cea_channel is not None for text in texts):
        return
    what = "an HLS source" if source.kind == "hls" else "a looped file"
    raise InvalidArgument(
        f"ffmpeg does not tell the time of {what}'s subtitles", field="inputTrack", hint="take captions: cc1"
    )


def check_file(source: Source) -> None:
    """INVALID_ARGUMENT when a source is a file that is not there or cannot be read."""
    if source.kind != "file":
        return
    if not Path(source.url).is_file():
        raise InvalidArgument(
            f"there is no file '{source.url}'", field="SOURCE", hint="or did you mean a URL, as srt://host:port?"
        )
    if not os.access(source.url, os.R_OK):
        raise InvalidArgument(f"the file '{source.url}' cannot be read", field="SOURCE", hint="check its permissions")


def check_pull(source: Source, policy: PullPolicy | None, *, field: str) -> None:
    """PERMISSION_DENIED when the operator's list, if there is one, does not have whom the source is pulled from."""
    if policy is not None and source.pulls:
        policy.check(source.url, field=field)


def check_port(source: Source) -> None:
    """ABORTED when the port a source wants to listen on is taken, INVALID_ARGUMENT when its address is not ours.

    Asked before each start of ffmpeg, whose own message is only ``Input/output error``. SRT is UDP underneath.
    """
    if source.address is None:
        return
    host, port = source.address
    kind = socket.SOCK_STREAM if source.transport == "tcp" else socket.SOCK_DGRAM
    try:
        info = socket.getaddrinfo(host, port, type=kind)[0]
    except socket.gaierror as error:
        raise InvalidArgument(f"the host '{host}' is not known", field="SOURCE") from error
    if ipaddress.ip_address(info[4][0]).is_multicast:
        return  # many may listen to a group
    if dict(source.options).get("reuse") == "1":
        return  # so the user wants to share it
    with socket.socket(info[0], kind) as probe:
        if source.kind == "rtmp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as ffmpeg does: the last publisher lingers
        try:
            probe.bind(info[4])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Aborted(
                    f"port {port}/{source.transport} on {host} is taken by another program",
                    field="SOURCE",
                    hint="use another port",
                ) from error
            raise InvalidArgument(
                f"cannot listen on {host}: {error.strerror}", field="SOURCE", hint="use an address of this machine"
            ) from error
