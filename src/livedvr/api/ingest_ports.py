"""The addresses at which publishers push: one port an input, of a range that the operator names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.cloud.video.live_stream_v1 import types

from livedvr.api.refusing import at
from livedvr.ingest.source import check_port, parse_source
from livedvr.resources.errors import Aborted, InvalidArgument, ResourceExhausted
from livedvr.resources.models import Edges, Input, SecurityRule

_RANGE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<first>\d{1,5})-(?P<last>\d{1,5})")
_RTMP, _SRT = types.Input.Type.RTMP_PUSH, types.Input.Type.SRT_PUSH
_SCHEME: Mapping[int, str] = {_RTMP: "rtmp", _SRT: "srt"}


@dataclass(frozen=True, slots=True)
class IngestPorts:
    """``host`` is listened on; ``public`` is the name under which publishers reach it."""

    host: str
    first: int
    last: int
    public: str

    @classmethod
    def parse(cls, text: str, public: str | None) -> IngestPorts:
        """``127.0.0.1:20000-20099``; INVALID_ARGUMENT when it is something else, or no publisher could use it."""
        found = _RANGE.fullmatch(text)
        first, last = (int(found["first"]), int(found["last"])) if found else (0, 0)
        if found is None or not 0 < first <= last < 65536:
            raise InvalidArgument(f"'{text}' is no range of ports", field="--ingest", hint="127.0.0.1:20000-20099")
        host = found["host"]
        if public is None and host in ("0.0.0.0", "[::]"):
            raise InvalidArgument(
                "publishers need a name to push to", field="--ingest", hint="say it with --ingest-host NAME"
            )
        return cls(host, first, last, public or host)

    def uri_for(self, kind: int, stream_id: str, taken: Collection[int | None]) -> str:
        """Where a new input is pushed to. RESOURCE_EXHAUSTED: all ports are taken."""
        for port in range(self.first, self.last + 1):
            if port not in taken and self._is_free(kind, port):
                break
        else:
            raise ResourceExhausted(
                f"all ports from {self.first} to {self.last} are taken",
                field="input",
                hint="delete inputs, or let the operator name more with --ingest",
            )
        if kind == _RTMP:
            return f"rtmp://{self.public}:{port}/live/{stream_id}"
        # libsrt compares the passphrase, and nothing of a publisher without it is ever read (I4).
        return f"srt://{self.public}:{port}?streamid={stream_id}&passphrase={stream_id}"

    def _is_free(self, kind: int, port: int) -> bool:
        try:
            check_port(parse_source(Input(uri=f"{_SCHEME[kind]}://{self.host}:{port}/live?mode=listener")))
        except Aborted:
            return False
        return True

    def to_domain(self, message: Any) -> Input:
        """An input as ingest takes it: what is pushed to us is listened for, what we pull is as it is named."""
        parts, config = urlsplit(message.uri), message.preprocessing_config
        crop, pad = _edges(config, "crop"), _edges(config, "pad")
        listen = f"{self.host}:{parts.port}"
        if message.type_ == _RTMP:
            with at("input.security_rules.ip_ranges"):
                rules = SecurityRule(ip_ranges=tuple(message.security_rules.ip_ranges))
            key = parts.path.rpartition("/")[2]
            return Input(
                uri=f"rtmp://{listen}/live?mode=listener", stream_key=key, security_rules=rules, crop=crop, pad=pad
            )
        if message.type_ == _SRT:
            passphrase = parse_qs(parts.query)["passphrase"][0]
            return Input(uri=f"srt://{listen}?mode=listener&passphrase={passphrase}", crop=crop, pad=pad)
        return Input(uri=message.uri, crop=crop, pad=pad)


def _edges(config: Any, field: str) -> Edges | None:
    """What is cut off the picture, or put around it."""
    given = getattr(config, field)
    with at(f"input.preprocessing_config.{field}"):
        return Edges(**{one.name: value for one, value in given.ListFields()}) if config.HasField(field) else None


def port_of(uri: str) -> int | None:
    """The port that an input's address names."""
    return urlsplit(uri).port
