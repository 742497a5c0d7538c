"""The ffmpeg and GStreamer lines of docs/inputs.md push into the input they stand below."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import missing
from live import Recording, free_tcp_port, free_udp_port, listening, waiting_run

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text()


def pushes() -> list[tuple[str, str]]:
    """(the SOURCE of a section, one sender's command)."""
    found = []
    for section in TEXT.split("\n## ")[1:]:
        record, *senders = re.findall(r"```\n(.*?)```", section, re.DOTALL) or [""]
        found += [(shlex.split(record)[2], sender.replace("\\\n", " ")) for sender in senders]
    return found


@pytest.mark.semantics("I1")
def test_every_line_that_pushes_is_recorded(wheel_ffmpeg: str, tmp_path: Path) -> None:
    if shutil.which("gst-launch-1.0") is None:
        missing("GStreamer", "gstreamer1.0-tools gstreamer1.0-plugins-{base,good,bad} gstreamer1.0-libav")
    clip = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4", "-g", "25")
    subprocess.run(
        [wheel_ffmpeg, "-loglevel", "error", *clip, "-pix_fmt", "yuv420p", tmp_path / "clip.mp4"], check=True
    )
    given = pushes()
    assert len(given) == 6
    with ExitStack() as stack:
        recordings = []
        for number, (source, sender) in enumerate(given):
            old = re.findall(r":(\d{4})\b", source)[0]
            new = str(free_tcp_port() if source.startswith("rtmp") else free_udp_port())
            options = ("--session", "demo", "--duration", "2s", "--target-duration", "2")
            recording = stack.enter_context(Recording(source.replace(old, new), tmp_path / str(number), *options))
            recordings.append((sender, recording))
            waiting_run(tmp_path / str(number))
            if source.startswith("rtmp"):
                listening(int(new))
            program, *arguments = shlex.split(
                sender.replace(f":{old}", f":{new}").replace(f"port={old}", f"port={new}")
            )
            pushing = subprocess.Popen(
                [wheel_ffmpeg if program == "ffmpeg" else program, *arguments],
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(pushing.wait)
            stack.callback(pushing.kill)
        for sender, recording in recordings:
            code, result, err = recording.finish()
            assert (code, result["state"]) == (0, "FINISHED"), f"{sender}\n{err}"
