"""The gateway: one RTMP port for all channels (SEMANTICS I4), kept by nginx and not by us."""

from __future__ import annotations

import ipaddress

from pydantic import field_validator

from livedvr.resources.addresses import split_address
from livedvr.resources.base import Resource

GATEWAY_APP = "live"  # the app of every publisher's address: rtmp://host:1935/live/KEY


class Gateway(Resource):
    """Where publishers push to, and where nginx asks whether they may. Each is ``ADDRESS:PORT``, IPv6 in brackets.

    ``rtmp`` is what nginx listens on; every input ``rtmp://:PORT/live`` of that port is fed from there. ``controller``
    is where nginx asks `LiveDvr`; it is shown stream keys, so it is an address of loopback.
    """

    rtmp: str = "127.0.0.1:1935"
    controller: str = "127.0.0.1:8935"

    @field_validator("rtmp", "controller")
    @classmethod
    def _address(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("controller")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if not ipaddress.ip_address(split_address(value)[0]).is_loopback:
            raise ValueError(f"'{value}' is not on loopback: stream keys are sent there, and nginx is on this machine")
        return value

    @property
    def rtmp_port(self) -> int:
        """The port that tells which inputs are fed by the gateway."""
        return split_address(self.rtmp)[1]
