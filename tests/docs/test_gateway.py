"""The commands, the script and the RTMPS lines of docs/gateway.md do what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import DEBIAN_FFMPEG, missing
from gateway import free_gateway, nginx_program
from live import FLV, Encoder, free_tcp_port, journal_files, listening, until

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()


def blocks(language: str) -> list[str]:
    """The document's blocks of a language; ``""``: those without one."""
    return [text for name, text in re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL) if name == language]


def certificate(folder: Path) -> None:
    """For the two files that the document names, in this folder."""
    if shutil.which("openssl") is None:
        missing("openssl", "openssl")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout tv.key -out tv.pem"
    subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)


def with_tls(conf: Path) -> None:
    """The three additions, each in its place."""
    if not Path("/usr/lib/nginx/modules/ngx_stream_module.so").exists():
        missing("nginx's stream module", "libnginx-mod-stream")
    first, listen, last = blocks("nginx")
    text = re.sub(r"(        listen .*;\n)", rf"\1{listen}", conf.read_text())
    conf.write_text(first + text + re.sub(r"/etc/ssl/\w+/", f"{conf.parent}/", last))


@pytest.mark.semantics("I1", "I4")
def test_the_gateway_is_set_up_as_it_says(wheel_ffmpeg: str, tmp_path: Path) -> None:
    gateway, handed, tls = free_gateway(), free_tcp_port(), free_tcp_port()
    if not DEBIAN_FFMPEG.exists():
        missing("Debian's ffmpeg", "ffmpeg")
    certificate(tmp_path)
    clip = "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -g 25 -pix_fmt yuv420p clip.mp4"
    subprocess.run([wheel_ffmpeg, "-loglevel", "error", *clip.split()], cwd=tmp_path, check=True)
    _, commands, push = blocks("")
    make, start, run = commands.splitlines()
    (stop,) = re.findall(r"`(nginx .* -s stop)` stops it", TEXT)
    (script,) = blocks("python")
    given = f"rtmp={gateway.rtmp!r}, controller={gateway.controller!r}"
    (tmp_path / "channels.py").write_text(
        script.replace("Gateway()", f"Gateway({given})").replace(":1935/", f":{gateway.rtmp_port}/")
    )
    programs = [str(Path(sys.executable).parent), str(Path(nginx_program()).parent), os.environ["PATH"]]
    here = {"cwd": tmp_path, "env": os.environ | {"PATH": os.pathsep.join(programs)}}
    with ExitStack() as stack:
        make = make.replace("0.0.0.0:1935", f"{gateway.rtmp} --controller {gateway.controller}")
        subprocess.run(["sh", "-c", make], check=True, **here)
        conf = tmp_path / "gateway.conf"
        with_tls(conf)
        conf.write_text(conf.read_text().replace("127.0.0.1:1936", f"127.0.0.1:{handed}").replace(":1937", f":{tls}"))
        subprocess.run(["sh", "-c", start], check=True, **here)
        stack.callback(subprocess.run, ["sh", "-c", stop], check=True, **here)
        controller = stack.enter_context(subprocess.Popen(run.split(), stdout=subprocess.PIPE, text=True, **here))
        stack.callback(controller.send_signal, signal.SIGINT)
        assert controller.stdout is not None
        keys = [re.findall(r"^\w+: stream key (\w+)$", controller.stdout.readline())[0] for _ in range(2)]
        listening(tls)
        push = shlex.split(push.replace(":1935/live/KEY", f":{gateway.rtmp_port}/live/{keys[0]}"))
        publisher = stack.enter_context(
            subprocess.Popen([wheel_ffmpeg, "-nostdin", *push[1:]], stderr=subprocess.DEVNULL, cwd=tmp_path)
        )
        stack.callback(publisher.kill)
        binary = str(DEBIAN_FFMPEG)  # newer ones want to know who has signed the certificate
        stack.enter_context(Encoder(f"rtmps://127.0.0.1:{tls}/live/{keys[1]}", mux=FLV, binary=binary))
        for name in ("news", "sport"):
            until(lambda name=name: any(one.stat().st_size for one in journal_files(tmp_path / f"out-{name}")), name)
