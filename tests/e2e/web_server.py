"""A web server on loopback for HLS that lies in a folder."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_DATE = re.compile(r"(#EXT-X-PROGRAM-DATE-TIME:)(\S+)")


class WebServer:
    """Serves a folder on a port of loopback; the dates in playlists are moved by ``shift``.

    ``before``: called with the path of each request before it is answered, in a thread of its own: it may wait.
    """

    def __init__(
        self, folder: Path, shift: timedelta = timedelta(), before: Callable[[str], None] = lambda _: None
    ) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given, directory=str(folder))

            def do_GET(self) -> None:
                before(self.path)
                path = Path(self.translate_path(self.path))
                if path.suffix != ".m3u8" or not path.exists():
                    return super().do_GET()
                text = path.read_text()
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


def _moved(date: str, shift: timedelta) -> str:
    return (datetime.fromisoformat(date) + shift).isoformat(timespec="milliseconds")
