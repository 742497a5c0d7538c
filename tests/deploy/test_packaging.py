"""packaging/: the systemd unit and the Dockerfile are what docs/deploy.md says of them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import missing
from livedvr.cli.serve import serve

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "packaging" / "livedvr.service").read_text()
DOCKERFILE = (ROOT / "packaging" / "Dockerfile").read_text()
SERVE_OPTIONS = {option for parameter in serve.params for option in parameter.opts}


def systemd_analyze(unit: Path, *arguments: str) -> tuple[int, str]:
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze", "systemd")
    done = subprocess.run(
        ["systemd-analyze", *arguments, str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    path = tmp_path / "livedvr.service"
    path.write_text(UNIT.replace("/opt/livedvr/bin/livedvr", sys.executable))
    return path


def test_systemd_knows_every_line_of_the_unit(unit: Path) -> None:
    assert systemd_analyze(unit, "verify") == (0, "")
    unit.write_text(unit.read_text().replace("KillMode=process", "KilMode=process"))
    assert "Unknown key 'KilMode'" in systemd_analyze(unit, "verify")[1], "a slip would be found"


def test_the_unit_has_no_more_rights_than_it_needs(unit: Path) -> None:
    code, said = systemd_analyze(unit, "security", "--offline=true", "--no-pager", "--threshold=20")
    assert code == 0, said
    unit.write_text(unit.read_text().replace("NoNewPrivileges=yes", "").replace("CapabilityBoundingSet=", ""))
    assert systemd_analyze(unit, "security", "--offline=true", "--no-pager", "--threshold=20")[0] != 0


def settings() -> dict[str, str]:
    return dict(line.split("=", 1) for line in UNIT.splitlines() if re.match(r"[A-Z]\w+=", line))


def test_a_restart_leaves_ffmpeg_recording() -> None:
    found = settings()
    assert found["KillMode"] == "process" and found["OOMPolicy"] == "continue"
    assert "DynamicUser" not in found and found["User"] not in ("", "root")
    assert found["Restart"] == "always" and found["StartLimitIntervalSec"] == "0"
    assert "--stop-channels" not in found["ExecStart"]


def options(arguments: list[str]) -> dict[str, str]:
    """The options by name; a flag has no value."""
    pairs = zip(arguments, [*arguments[1:], "--"], strict=True)
    return {name: "" if value.startswith("--") else value for name, value in pairs if name.startswith("--")}


def test_the_unit_s_command_is_serve_on_loopback_within_what_it_may_write() -> None:
    program, verb, *rest = shlex.split(settings()["ExecStart"])
    given = options(rest)
    assert Path(program).is_absolute() and verb == "serve" and set(given) <= SERVE_OPTIONS
    assert given["--http"].startswith("127.0.0.1:") and given["--grpc"].startswith("127.0.0.1:")
    state = f"/var/lib/{settings()['StateDirectory']}/"
    assert given["--data-dir"].startswith(state) and given["--output"].startswith(state)


def instructions(text: str) -> list[tuple[str, str]]:
    """(instruction, value) of a Dockerfile, comments left out and continued lines joined."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = [line.strip() for line in bare.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines]


def last(name: str) -> str:
    return [value for found, value in instructions(DOCKERFILE) if found == name][-1]


KNOWN = {"CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "STOPSIGNAL", "USER", "VOLUME"}


def test_the_image_is_made_of_a_pinned_base() -> None:
    assert {name for name, _ in instructions(DOCKERFILE)} <= KNOWN
    bases = [value.split()[0] for name, value in instructions(DOCKERFILE) if name == "FROM"]
    assert bases and all(re.fullmatch(r"debian:\d+\.\d+-slim", base) for base in bases) and len(set(bases)) == 1


def test_what_is_installed_leaves_no_lists_and_nothing_unasked() -> None:
    runs = [value for name, value in instructions(DOCKERFILE) if name == "RUN" and "apt-get" in value]
    assert len(runs) == 2
    for run in runs:
        assert "--no-install-recommends" in run and "rm -rf /var/lib/apt/lists/*" in run
        assert not re.search(r"curl|wget|sudo|upgrade|;", run)
    assert " ffmpeg " in runs[-1]


def test_the_container_runs_as_nobody_special_and_its_data_is_a_volume() -> None:
    user, _, group = last("USER").partition(":")
    assert int(user) >= 1000 and int(group) >= 1000
    assert f"--uid {user}" in DOCKERFILE
    assert [name for name, _ in instructions(DOCKERFILE)].index("USER") > DOCKERFILE.count("RUN") - 1
    assert last("VOLUME") == "/data"


def test_no_secret_is_in_the_image() -> None:
    for name, value in instructions(DOCKERFILE):
        assert name != "ENV" or not re.search(r"(?i)token|secret|password|key", value)
    copied = [value.split() for name, value in instructions(DOCKERFILE) if name == "COPY"]
    assert all("." not in (part, part.rstrip("/")) for parts in copied for part in parts), "never the whole repository"
    assert all((ROOT / part).exists() for parts in copied if parts[0][0] != "-" for part in parts[:-1])


def test_the_container_serves_with_a_token_and_stops_its_channels() -> None:
    entry, command = json.loads(last("ENTRYPOINT")), json.loads(last("CMD"))
    assert entry[-2:] == ["livedvr", "serve"]
    given = options(command)
    assert set(given) <= SERVE_OPTIONS and "--stop-channels" in given, "no ffmpeg outlives its container"
    assert given["--token-file"].startswith("/run/secrets/")
    assert all(given[name].startswith("/data/") for name in ("--data-dir", "--output"))
    ports = {given[name].rpartition(":")[2] for name in ("--http", "--grpc")}
    assert set(last("EXPOSE").split()) == ports


def test_the_healthcheck_asks_the_port_that_is_served_and_its_code_runs() -> None:
    form, _, argv = last("HEALTHCHECK").partition("CMD ")
    assert "--timeout=" in form
    program, flag, code = json.loads(argv)
    assert (program, flag) == ("python", "-c")
    port = options(json.loads(last("CMD")))["--http"].rpartition(":")[2]
    assert f"http://127.0.0.1:{port}/livez" in code
    unserved = code.replace(f":{port}/", ":1/")
    done = subprocess.run([sys.executable, "-c", unserved], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "Connection refused" in done.stderr, "unhealthy while nobody answers"
