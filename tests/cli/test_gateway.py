from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from livedvr.cli import main


def test_it_prints_the_configuration_and_nothing_else() -> None:
    given = CliRunner().invoke(main, ["gateway", "nginx", "--rtmp", "0.0.0.0:1936", "--controller", "127.0.0.1:9000"])
    assert given.exit_code == 0 and given.stderr == ""
    assert "listen 0.0.0.0:1936;" in given.stdout and "on_publish http://127.0.0.1:9000/publish;" in given.stdout
    assert given.stdout.endswith("}\n")


def test_a_bad_address_names_its_option() -> None:
    given = CliRunner().invoke(main, ["gateway", "nginx", "--rtmp", "tv.example:1935"])
    assert given.exit_code == 2
    assert given.stderr.startswith("livedvr gateway: --rtmp: 'tv.example:1935' is no address of a port")


def test_commands_start_without_a_web_server() -> None:
    commands = ("record", "session", "check", "backup", "gateway")
    modules = ", ".join(["livedvr.app", *(f"livedvr.cli.{name}" for name in commands)])
    code = f"import sys, {modules}; print([m for m in sys.modules if m in ('starlette', 'uvicorn', 'httpcore')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
