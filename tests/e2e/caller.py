"""Somebody on a call: a real ffmpeg that sends what the test has them say, as they say it, and silence otherwise."""

from __future__ import annotations

import queue
import subprocess
import threading
import time

from live import coded_live
from recordings.sounds import Sound, key, mixed, pcm, tone

RATE = 16_000
BLOCK = RATE // 50
LEVEL = -18  # dBFS of each tone


class Caller:
    """``with Caller(url)``: AAC over RTMP, and a picture. Its time is that of its samples, however slow the machine."""

    def __init__(self, ffmpeg: str, url: str) -> None:
        said = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0"]
        seen = ["-re", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25"]  # with a picture ffmpeg probes faster
        sent = ["-ar", "48000", "-f", "flv", "-flush_packets", "1", url]
        self._command = [ffmpeg, "-nostdin", "-loglevel", "error", *seen, *said, *coded_live(gop=25), *sent]
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="caller")

    def __enter__(self) -> Caller:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self.process.kill()
        self.process.wait()

    def speak(self, seconds: float) -> None:
        self._say(mixed(tone(220, seconds, LEVEL, RATE), tone(330, seconds, LEVEL, RATE)))

    def press(self, name: str, seconds: float = 0.2) -> None:
        self._say(key(name, seconds, LEVEL, LEVEL, rate=RATE))

    def _say(self, sound: Sound) -> None:
        data = pcm(sound)
        for at in range(0, len(data), 2 * BLOCK):
            self._said.put(data[at : at + 2 * BLOCK])

    def _talk(self) -> None:
        """A block each 20 ms, since it began."""
        assert self.process.stdin is not None
        began, sent = time.monotonic(), 0
        with self.process.stdin as pipe:
            while not self._ends.wait(max(0.0, began + sent / RATE - time.monotonic())):
                block = bytes(2 * BLOCK) if self._said.empty() else self._said.get()
                pipe.write(block)
                pipe.flush()
                sent += BLOCK
