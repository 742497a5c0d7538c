"""docs/sessions-by-example.md: its commands, its requests and its script do what the table says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live import until
from serving import Served, serving

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "sessions-by-example.md").read_text()
SESSIONS = "projects/default/locations/local/channels/news/dvrSessions"
CHANNEL, *WAYS = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
(SCRIPT,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def session(served: Served, name: str) -> dict[str, Any]:
    found: dict[str, Any] = served.ask("GET", f"{SESSIONS}/{name}").json()
    return {"state": "gone"} | found


def shell(served: Served) -> Callable[..., str]:
    """Runs what the page has for bash, on this server."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(*blocks: str) -> str:
        text = "".join(blocks).replace("127.0.0.1:8080", served.options.http)
        argv = ["bash", "-euo", "pipefail", "-c", text.replace("curl -f", "curl -sSf --noproxy '*'")]
        env = os.environ | {"PATH": path, "LIVEDVR_SERVER": served.url}
        ran = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@contextmanager
def script_that_succeeds(folder: Path) -> Iterator[None]:
    """It runs beside the server."""
    folder.mkdir()
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=folder, stdout=pipe, stderr=pipe, text=True) as script:
        try:
            yield
            said, complained = script.communicate(timeout=60)
        finally:
            script.terminate()
    assert script.returncode == 0, complained
    states = said.split()
    assert (states[:2], states[-1]) == (["LIVE", "COOLDOWN"], "FINISHED")


@pytest.mark.semantics("S7", "S8", "S15")
def test_what_the_page_shows(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with script_that_succeeds(tmp_path / "script"), serving(tmp_path / "data") as served:
        run = shell(served)
        run(CHANNEL)
        until(lambda: served.ask("GET", "/media/media/news/main.m3u8").status_code == 200, "the channel is on air")
        for create, change in (WAYS[:2], WAYS[2:]):
            run(create)
            until(lambda: session(served, "running")["state"] == "LIVE", "what runs is live")
            until(lambda: session(served, "past")["state"] == "FINISHED", "what is past is finished")
            until(lambda: session(served, "later")["state"] == "SCHEDULED", "what is to come is scheduled")
            began = session(served, "running")["dvrWindows"][0]["timeInterval"]["startTime"]
            variables = re.sub("start=.*", f"start={began}", create.partition("curl -f")[0])
            again = variables if "start=" in create else ""  # this is another shell
            shorten, first, delete = re.split(r"^(for id|livedvr session delete)", change, maxsplit=1, flags=re.M)
            said = run(again, shorten)
            until(lambda: session(served, "running")["state"] == "COOLDOWN", "it is cooling down")
            assert again or f"plays     {served.url}/media/media/news/dvr/running/main.m3u8" in said
            run(again, first, delete)
            names = ("past", "running", "later")
            until(lambda names=names: {session(served, one)["state"] for one in names} == {"gone"}, "all are gone")
