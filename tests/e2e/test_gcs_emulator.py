"""The demo against somebody else's Cloud Storage emulator. (It ignores preconditions: it tells nothing of fencing.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from live import free_tcp_port, listening

pytestmark = pytest.mark.e2e

START = """
import sys
from gcp_storage_emulator.server import create_server
create_server("127.0.0.1", int(sys.argv[1]), in_memory=True, default_bucket="media").run()
"""


def test_the_demo_records_into_the_emulator(tmp_path: Path) -> None:
    port = free_tcp_port()
    start = [sys.executable, "-c", START, str(port)]
    with subprocess.Popen(start, stderr=subprocess.DEVNULL) as emulator:
        try:
            listening(port)
            ran = subprocess.run(
                [Path(__file__).parents[2] / "scripts/demo", "--output", "gs://media/demo", "--duration", "4s"],
                env={**os.environ, "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}", "TMPDIR": str(tmp_path)},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            emulator.terminate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "OK: 1 multivariant + 1 media playlist" in ran.stdout and "0 violations" in ran.stdout, ran.stdout
