from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from gateway import nginx_program
from livedvr.gateway.nginx import nginx_conf
from livedvr.resources.gateway import Gateway

GOLDEN = Path(__file__).with_name("gateway.conf")
NOBODY = 65534


def test_the_configuration_is_this_one() -> None:
    assert nginx_conf(Gateway(), "/run/livedvr-gateway-1935.pid") == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("rtmp", "listens"),
    [
        ("0.0.0.0:1935", ["0.0.0.0:1935"]),
        ("192.0.2.5:1936", ["192.0.2.5:1936", "127.0.0.1:1936"]),
        ("[2001:db8::5]:1935", ["[2001:db8::5]:1935", "127.0.0.1:1935"]),
        ("[::]:1935", ["[::]:1935 ipv6only=off"]),
    ],
)
def test_loopback_is_always_listened_on_for_our_own_ffmpeg(rtmp: str, listens: list[str]) -> None:
    lines = nginx_conf(Gateway(rtmp=rtmp), "/x").splitlines()
    assert [line.split("listen ")[1].rstrip(";") for line in lines if "  listen " in line] == listens


@pytest.mark.parametrize("rtmp", ["127.0.0.1:1935", "0.0.0.0:1935", "[::]:1935"])
def test_nginx_takes_it_also_of_a_user_without_rights(rtmp: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        conf = Path(folder, "gateway.conf")
        conf.write_text(nginx_conf(Gateway(rtmp=rtmp), f"{folder}/nginx.pid"))
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        done = subprocess.run([nginx_program(), "-t", "-c", conf], capture_output=True, text=True, check=False, **who)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("test is successful\n") and done.stderr.count("\n") == 2, "no warning"
