"""Recordings into a bucket in which everything goes wrong, and what a player finds there after each fault.

After each fault every published playlist is fetched as a CDN would fetch it, and every URI in it is asked for with
HEAD: once, also where several sessions list it. None may be missing; no published line may ever change (P1); and in
the end everything is there.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock
from urllib.parse import urljoin

import requests

from gcs_server import Bucket, Fault, GcsServer
from livedvr import LiveDvr, TimeInterval
from livedvr.check.run import run_check
from livedvr.resources.models import Channel, Input, Manifest, Output
from livedvr.resources.streams import MuxStream, video_and_audio

SESSIONS = 5
CHANCE = 0.35  # of each request
PATIENCE = 0.5  # seconds that the client waits for an answer here
_INDEX = re.compile(r"/segment-(\d+)\.m4s$", re.MULTILINE)
_URI = re.compile(r'^#EXT-X-MAP:URI="([^"]+)"|^([^#\s].*)$', re.MULTILINE)


class Storm:
    """Faults by chance, one after the other: each is followed by a look at all that is published."""

    def __init__(self, server: GcsServer, seed: int, faults: int) -> None:
        self.server, self.left, self.tally = server, faults, Counter[str]()
        server.plan = lambda *_: None
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._looking = threading.Semaphore(0)
        self._pending = 0
        self._seen: dict[str, str] = {}

    def plan(self, method: str, what: str, name: str) -> Fault | None:
        """For `GcsServer.plan`. A fault is not followed by another before everything has been looked at."""
        with self._lock:
            if what == "public" or self.left == 0 or self._pending or self._chance.random() > CHANCE:
                return None
            self.left, self._pending = self.left - 1, 1
            fault = self._chance.choice(list(Fault))
            self.tally[fault.name] += 1
        self._looking.release()
        return fault

    def run(self, patience: float) -> None:
        """Blocking: look after each fault, until the last. AssertionError: the first broken promise, or that nothing
        is asked of the bucket for so long. (How long the looks take is nobody's fault: it is no limit.)"""
        with requests.Session() as http:
            while self.left or self._pending:
                asked = self._looking.acquire(timeout=patience)
                assert asked, f"nothing was asked for {patience} s, {self.left} faults are left"
                self.look(http)
                with self._lock:
                    self._pending = 0

    def look(self, http: requests.Session) -> None:
        """Every published playlist, and every URI in it."""
        listed: dict[str, str] = {}
        bucket = self.server.buckets["media"]
        with self.server.lock:
            names = [name for name in bucket.objects if name.endswith(".m3u8")]
        for name in names:
            at = f"{self.server.url}/media/{name}"
            text = http.get(at, timeout=10).text
            if "/dvr/" in name and "/index-" in name:
                assert text.startswith(self._seen.get(name, "")), f"{name} has changed what it said"
                self._seen[name] = text
            for found in _URI.finditer(text):
                listed[urljoin(at, found[1] or found[2])] = name
            self.tally["playlists fetched"] += 1
        for uri, name in listed.items():
            answer = http.head(uri, timeout=10)
            assert answer.status_code == 200, f"{name} lists {uri}: {answer.status_code}"
            self.tally["HEAD"] += 1


@contextmanager
def faulty_bucket(seed: int, faults: int) -> Iterator[Storm]:
    """A bucket for STORAGE_EMULATOR_HOST, in which a storm is to rage."""
    with GcsServer(Bucket("media", one_a_second=True, patience=PATIENCE + 0.2)) as server:
        storm = Storm(server, seed, faults)
        with (
            mock.patch.dict(os.environ, STORAGE_EMULATOR_HOST=server.url),
            mock.patch("livedvr.storage.gcs.ANSWER_SECONDS", PATIENCE),
        ):
            try:
                yield storm
            finally:
                storm.left = 0


async def record_in_a_storm(folder: Path, seed: int, faults: int, patience: float) -> Counter[str]:
    """One channel, several sessions; AssertionError names the first broken promise. ``patience``: see `Storm.run`."""
    channel = Channel(
        channel_id="live",
        input=Input(uri="testsrc"),
        output=Output(uri="gs://media/tv"),
        elementary_streams=video_and_audio("h264"),
        mux_streams=(MuxStream(segment_duration="PT1S"),),
        manifests=(Manifest(),),
    )
    with faulty_bucket(seed, faults) as storm:
        async with LiveDvr(folder) as dvr:
            await dvr.channels.create(channel)
            await dvr.channels.start("live")
            for number in range(SESSIONS):
                await dvr.sessions.create("live", f"s{number}", [TimeInterval()])
            storm.server.plan = storm.plan
            await asyncio.to_thread(storm.run, patience)
            storm.server.plan = lambda *_: None
            await asyncio.wait_for(dvr.channels.stop("live"), patience)
            sessions = await dvr.sessions.list("live")
        tally = storm.tally
        storm.look(requests.Session())
        for session in sessions:
            assert session.state == "FINISHED", session
            name = f"tv/dvr/{session.session_id}/av/index-1.m3u8"
            listed = [int(index) for index in _INDEX.findall(storm.server.buckets["media"].objects[name].data.decode())]
            assert listed == list(range(listed[0], listed[0] + len(listed))), f"{name} lists {listed}"
            report = run_check(f"{storm.server.url}/media/tv/dvr/{session.session_id}/main.m3u8", deep=True)
            assert report.ok, report.to_text()
            tally["segments listed"] += session.segments
    return tally
