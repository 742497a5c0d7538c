"""nginx as the gateway, and somebody who comes to it from another address."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

from conftest import missing
from live import free_tcp_port, listening
from livedvr import Channel, Gateway, Input, MuxStream, Output
from livedvr.gateway.nginx import nginx_conf
from livedvr.resources.models import SecurityRule

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def nginx_program() -> str:
    """Debian's nginx with its RTMP module."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if found is None or not MODULE.exists():
        missing("nginx with its RTMP module", "nginx libnginx-mod-rtmp")
    assert found is not None
    return found


def free_gateway() -> Gateway:
    """Two ports of loopback that nobody has now."""
    return Gateway(rtmp=f"127.0.0.1:{free_tcp_port()}", controller=f"127.0.0.1:{free_tcp_port()}")


def gateway_channel(gateway: Gateway, name: str, folder: Path, key: str, *allowed: str) -> Channel:
    """A channel that the gateway feeds, in segments of 1 s."""
    return Channel(
        channel_id=name,
        input=Input(uri=f"rtmp://:{gateway.rtmp_port}/live/{key}", security_rules=SecurityRule(ip_ranges=allowed)),
        output=Output(uri=str(folder / name)),
        mux_streams=(MuxStream(segment_duration=timedelta(seconds=1)),),
        target_duration=2,
    )


class Nginx:
    """nginx with our configuration, in the foreground. ``log``: all that it has written."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self._gateway = gateway
        self._program = nginx_program()
        self._folder = folder
        self.log_path = folder / "nginx.log"

    def __enter__(self) -> Nginx:
        conf = self._folder / "gateway.conf"
        conf.write_text(nginx_conf(self._gateway, str(self._folder / "nginx.pid")))
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(conf), "-g", "daemon off;"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        listening(self._gateway.rtmp_port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def log(self) -> str:
        return self.log_path.read_text()


class Elsewhere:
    """Another machine: what connects to its port reaches nginx from 127.0.0.2."""

    ADDRESS = "127.0.0.2"

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Elsewhere:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listening, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in (self._listening, *self._sockets):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target), source_address=(self.ADDRESS, 0))
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=_pump, args=pair))
                    self._threads[-1].start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
