from __future__ import annotations

import sqlite3
from pathlib import Path

from starlette.responses import PlainTextResponse

from builders import FakeClock
from livedvr.api.watch.health import LOOK_EACH, Front
from livedvr.catalog.catalog import Catalog


async def get(front: Front, path: str) -> tuple[int, str]:
    sent = []

    async def receive() -> dict[str, object]:
        raise AssertionError("nothing is read")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await front({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}, receive, send)  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()  # type: ignore


async def test_a_server_comes_and_goes(tmp_path: Path) -> None:
    clock = FakeClock()
    front = Front(clock)
    assert await get(front, "/livez") == (200, "ok\n")
    assert await get(front, "/readyz") == (503, '{"ready":false,"missing":["channels"]}')
    code, text = await get(front, "/v1/x")
    assert (code, "UNAVAILABLE" in text) == (503, True)

    catalog = Catalog(tmp_path / "catalog.sqlite3")
    front.open(PlainTextResponse("here"), catalog)
    assert await get(front, "/readyz") == (200, '{"ready":true,"missing":[]}')
    assert await get(front, "/v1/x") == (200, "here")

    catalog.close()
    assert (await get(front, "/readyz"))[0] == 200  # it has just been looked at
    clock.advance(LOOK_EACH)
    code, text = await get(front, "/readyz")
    assert (code, "the catalog cannot be written" in text, str(tmp_path) in text) == (503, True, False)

    front.leave()
    assert await get(front, "/readyz") == (503, '{"ready":false,"missing":["shutting down"]}')
    assert await get(front, "/livez") == (200, "ok\n")
    assert (await get(front, "/v1/x"))[0] == 503
    await front.idle()


async def test_a_look_writes(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    front = Front(FakeClock())
    front.open(PlainTextResponse("here"), catalog)
    before = (tmp_path / "catalog.sqlite3-wal").stat().st_size
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as other:
        version = other.execute("PRAGMA user_version").fetchone()
        assert (await get(front, "/readyz"))[0] == 200
        assert other.execute("PRAGMA user_version").fetchone() == version
    assert (tmp_path / "catalog.sqlite3-wal").stat().st_size > before
    catalog.close()
