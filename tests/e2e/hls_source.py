"""Somebody's HLS: an encoder that writes a live playlist, and a web server for it."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from live import Encoder, until

_DATE = re.compile(r"(#EXT-X-PROGRAM-DATE-TIME:)(\S+)")


def live_playlist(folder: Path, *, size: int = 0, dates: bool = True, seconds: int = 2) -> Encoder:
    """An encoder that writes ``live.m3u8`` into the folder; all segments stay listed unless ``size`` says how many."""
    flags = "program_date_time" if dates else "omit_endlist"
    mux = ("-f", "hls", "-hls_time", str(seconds), "-hls_list_size", str(size), "-hls_flags", flags)
    return Encoder(str(folder / "live.m3u8"), mux=(*mux, "-hls_segment_filename", str(folder / "seg%05d.ts")))


class WebServer:
    """Serves a folder on a port of loopback; the dates in playlists are moved by ``shift``."""

    def __init__(self, folder: Path, shift: timedelta = timedelta()) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given, directory=str(folder))

            def do_GET(self) -> None:
                if not self.path.endswith(".m3u8"):
                    return super().do_GET()
                text = (folder / self.path[1:]).read_text()
                data = _DATE.sub(lambda found: found[1] + _moved(found[2], shift), text).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                return None

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def listed(folder: Path, at_least: int) -> None:
    """Return when the source lists that many segments."""
    playlist = folder / "live.m3u8"
    until(lambda: playlist.exists() and playlist.read_text().count("#EXTINF") >= at_least, f"{at_least} segments")


def _moved(date: str, shift: timedelta) -> str:
    return (datetime.fromisoformat(date) + shift).isoformat(timespec="milliseconds")
