"""The store in a bucket, by google-cloud-storage as it is, against a server that keeps generations and has faults."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.cloud import storage

from gcs_server import Bucket, Fault, GcsServer
from livedvr.resources.errors import NotFound, ObjectConflict, StorageError, Superseded
from livedvr.storage.gcs import GcsStore

pytestmark = pytest.mark.e2e

SEGMENT = "av/20260101T000000Z-k3f9/segment-000000.m4s"
INIT = "av/20260101T000000Z-k3f9/init.mp4"
LIST = "dvr/demo/av/index-1.m3u8"
ANSWER = 0.1  # seconds that a request may go without an answer here


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(Bucket("media")) as server:
        yield server


@pytest.fixture
def open_store(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., GcsStore]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    monkeypatch.setattr("livedvr.storage.gcs.RETRY_SECONDS", 3.0)

    def make(bucket: str = "media", **settings: object) -> GcsStore:
        return GcsStore(storage.Client().bucket(bucket), "tv/", **{"answer_seconds": ANSWER, **settings})  # type: ignore[arg-type]

    return make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "spooled"
    path.write_bytes(b"media" * 1000)
    return path


def once(fault: Fault, what: str) -> Callable[[str, str, str], Fault | None]:
    """The first such request goes wrong."""
    left = [fault]
    return lambda method, asked, name: left.pop() if asked == what and not name.endswith("/owner") and left else None


def stored(server: GcsServer, name: str) -> bytes:
    return server.buckets["media"].objects[f"tv/{name}"].data


@pytest.mark.parametrize("fault", [None, *Fault])
def test_gcs_makes_the_copy_itself_across_buckets(
    fault: Fault | None, server: GcsServer, open_store: Callable[..., GcsStore], source: Path
) -> None:
    server.buckets["clips"] = Bucket("clips", patience=0.3)
    channel, clip = open_store(), open_store("clips")
    channel.put_new(SEGMENT, source)
    server.plan = once(fault, "rewrite") if fault else server.plan
    sent = server.uploaded
    clip.copy_from(channel, SEGMENT)
    assert server.faults == ([fault] if fault else []) and server.uploaded == sent, "nothing passes through us"
    copy = server.buckets["clips"].objects[f"tv/{SEGMENT}"]
    assert copy.data == source.read_bytes()
    assert copy.settings == {"contentType": "video/iso.segment", "cacheControl": "max-age=31536000, immutable"}


def test_a_bucket_that_is_not_there_takes_and_gives_no_copies(
    open_store: Callable[..., GcsStore], source: Path
) -> None:
    channel, nowhere = open_store(), open_store("nowhere")
    channel.put_new(SEGMENT, source)
    for target, origin in ((nowhere, channel), (channel, nowhere)):
        with pytest.raises(StorageError, match="bucket does not exist"):
            target.copy_from(origin, INIT if target is channel else SEGMENT)


def test_what_a_reader_is_told(server: GcsServer, open_store: Callable[..., GcsStore], source: Path) -> None:
    store = open_store(gzipped=True)
    for name in (SEGMENT, INIT, "av/run/segment-000000.ts", "text/run/segment-000000.vtt"):
        store.put_new(name, source)
    store.replace("dvr/demo/main.m3u8", b"#EXTM3U\n")
    store.replace(LIST, b"#EXTM3U\n#EXTINF:2,\n")
    store.replace("dvr/old/av/index-1.m3u8", b"#EXTM3U\n#EXT-X-ENDLIST\n")
    told = {
        name.removeprefix("tv/"): (one.settings["contentType"], one.settings["cacheControl"])
        for name, one in server.buckets["media"].objects.items()
        if name != "tv/.livedvr/owner"
    }
    for_ever, hls = "max-age=31536000, immutable", "application/vnd.apple.mpegurl"
    assert told == {
        SEGMENT: ("video/iso.segment", for_ever),
        INIT: ("video/mp4", for_ever),
        "av/run/segment-000000.ts": ("video/mp2t", for_ever),
        "text/run/segment-000000.vtt": ("text/vtt", for_ever),
        "dvr/demo/main.m3u8": (hls, "no-cache"),
        LIST: (hls, "no-cache"),
        "dvr/old/av/index-1.m3u8": (hls, "max-age=3600"),
    }
    assert server.buckets["media"].objects[f"tv/{LIST}"].settings["contentEncoding"] == "gzip"
    assert store.get(LIST) == b"#EXTM3U\n#EXTINF:2,\n"


@pytest.mark.parametrize("fault", Fault)
def test_a_segment_is_there_once_whatever_goes_wrong(
    server: GcsServer, open_store: Callable[..., GcsStore], source: Path, fault: Fault
) -> None:
    server.plan = once(fault, "insert")
    open_store().put_new(SEGMENT, source)
    assert server.faults == [fault]
    assert stored(server, SEGMENT) == source.read_bytes()
    assert [name for _, name in server.writes] == [f"tv/{SEGMENT}"], "nothing is written twice"


def test_a_segment_that_somebody_else_wrote_is_a_conflict_that_changes_nothing(
    server: GcsServer, open_store: Callable[..., GcsStore], source: Path, tmp_path: Path
) -> None:
    open_store().put_new(SEGMENT, source)
    (tmp_path / "other").write_bytes(b"other" * 1000)
    server.plan = once(Fault.LOST, "insert")
    with pytest.raises(ObjectConflict, match="gs://media/tv/av/"):
        open_store().put_new(SEGMENT, tmp_path / "other")
    assert stored(server, SEGMENT) == source.read_bytes()


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LATE])
def test_a_lost_answer_is_read_back(server: GcsServer, open_store: Callable[..., GcsStore], fault: Fault) -> None:
    store = open_store()
    store.replace(LIST, b"one")
    server.plan = once(fault, "insert")
    if fault is Fault.LOST:
        store.replace(LIST, b"two")
        assert [name for _, name in server.writes][1:] == [f"tv/{LIST}"] * 2, "it was carried out: it is not repeated"
    else:
        with pytest.raises(StorageError) as refused:
            store.replace(LIST, b"two")
        assert refused.value.passing
        while stored(server, LIST) != b"two":  # the request that was given up arrives
            time.sleep(0.01)
    store.replace(LIST, b"three")
    assert stored(server, LIST) == b"three"
    store.replace(LIST, b"four")
    assert stored(server, LIST) == b"four", "the channel is not frozen"


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TOO_MANY, Fault.RESET, Fault.STALLED])
def test_a_playlist_that_was_not_written_is_tried_again_by_whoever_asked(
    server: GcsServer, open_store: Callable[..., GcsStore], fault: Fault
) -> None:
    store = open_store()
    store.replace(LIST, b"one")
    server.plan = once(fault, "insert")
    with pytest.raises(StorageError) as refused:
        store.replace(LIST, b"two")
    assert refused.value.passing and stored(server, LIST) == b"one"
    store.replace(LIST, b"two")
    assert stored(server, LIST) == b"two"


def test_an_older_owner_is_fenced_off_and_told(
    server: GcsServer, open_store: Callable[..., GcsStore], source: Path
) -> None:
    old, new = open_store(), open_store()
    old.replace(LIST, b"old")
    new.replace("main.m3u8", b"new")  # another name: it is the output that is taken
    for _ in range(2):
        with pytest.raises(Superseded, match=r"gs://media/tv: another controller \(.* pid \d+ .*\) has taken this"):
            old.replace(LIST, b"old again")
    for write in (lambda: old.put_new(SEGMENT, source), lambda: old.delete("main.m3u8")):
        with pytest.raises(Superseded):
            write()
    new.replace(LIST, b"new")
    assert stored(server, LIST) == b"new"
    new.replace(LIST, b"newer")
    assert stored(server, LIST) == b"newer"


def test_a_write_of_the_owner_before_that_comes_late_is_written_over(
    server: GcsServer, open_store: Callable[..., GcsStore]
) -> None:
    old, new = open_store(), open_store()
    old.replace(LIST, b"old")
    server.buckets["media"].patience = 0.5
    server.plan = once(Fault.LATE, "insert")
    with pytest.raises(StorageError) as refused:
        old.replace(LIST, b"late")
    assert refused.value.passing
    new.replace("main.m3u8", b"new")
    new.size(LIST)
    while stored(server, LIST) != b"late":
        time.sleep(0.01)
    new.replace(LIST, b"new")
    assert stored(server, LIST) == b"new"


@pytest.mark.parametrize("fault", Fault)
def test_an_output_is_claimed_whatever_goes_wrong(
    server: GcsServer, open_store: Callable[..., GcsStore], fault: Fault
) -> None:
    left = [fault]
    server.plan = lambda method, what, name: left.pop() if (what, bool(left)) == ("insert", True) else None
    store = open_store()
    for _ in range(3):
        with contextlib.suppress(StorageError):
            store.replace(LIST, b"one")
    assert stored(server, LIST) == b"one" and server.faults == [fault]
    open_store().replace(LIST, b"two")
    with pytest.raises(Superseded):
        store.replace(LIST, b"three")


def test_of_two_that_claim_at_once_one_is_left(server: GcsServer, open_store: Callable[..., GcsStore]) -> None:
    stores = [open_store() for _ in range(4)]

    def write(store: GcsStore) -> bool:
        for _ in range(20):
            try:
                store.replace("main.m3u8", b"x")
            except Superseded:
                return False
            except StorageError as error:
                assert error.passing
        return True

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, stores))
    assert [write(store) for store in stores].count(True) == 1


def test_a_large_segment_goes_in_parts(
    server: GcsServer, open_store: Callable[..., GcsStore], source: Path, tmp_path: Path
) -> None:
    source.write_bytes(random.Random(1).randbytes(9 << 20))
    server.plan = once(Fault.LOST, "insert")  # of the last part
    open_store(answer_seconds=5).put_new(SEGMENT, source)
    assert stored(server, SEGMENT) == source.read_bytes()
    open_store(answer_seconds=5).put_new(SEGMENT, source)
    (tmp_path / "other").write_bytes(random.Random(2).randbytes(9 << 20))
    with pytest.raises(ObjectConflict):
        open_store(answer_seconds=5).put_new(SEGMENT, tmp_path / "other")
    assert stored(server, SEGMENT) == source.read_bytes()


@pytest.mark.semantics("S14")
def test_what_does_not_pass_by_itself_is_told_in_gcs_s_words(
    server: GcsServer, open_store: Callable[..., GcsStore], source: Path
) -> None:
    server.buckets["media"].denied = {"storage.objects.create"}
    for write in (lambda s: s.put_new(SEGMENT, source), lambda s: s.replace(LIST, b"x")):
        with pytest.raises(StorageError, match=r"403 .*does not have storage.objects.create access.*docs/gcs.md") as no:
            write(open_store())
        assert not no.value.passing
        with pytest.raises(StorageError, match=r"gs://nowhere/tv/.*404 .*bucket does not exist.*make the bucket") as no:
            write(open_store("nowhere"))
        assert not no.value.passing
    assert server.writes == [], server.writes


def test_a_server_that_is_not_there_passes(
    open_store: Callable[..., GcsStore], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livedvr.storage.gcs.RETRY_SECONDS", 0.3)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    for use in (lambda s: s.put_new(SEGMENT, source), lambda s: s.replace(LIST, b"x"), lambda s: s.get(LIST)):
        with pytest.raises(StorageError) as refused:
            use(open_store())
        assert refused.value.passing and not isinstance(refused.value, NotFound)


def test_a_late_deletion_spares_what_was_made_meanwhile(server: GcsServer, open_store: Callable[..., GcsStore]) -> None:
    store = open_store()
    store.replace(LIST, b"one")
    server.plan = once(Fault.LOST, "delete")
    store.delete(LIST)
    assert store.size(LIST) is None
    store.replace(LIST, b"two")
    assert stored(server, LIST) == b"two"


@pytest.mark.parametrize("seed", range(4))
def test_a_playlist_never_goes_back(server: GcsServer, open_store: Callable[..., GcsStore], seed: int) -> None:
    """Any faults in any order; the owner changes now and then; what is stored only grows."""
    chance, server.buckets["media"].patience = random.Random(seed), 0.06
    faults = [*Fault, None, None]
    server.plan = lambda method, what, name: chance.choice(faults) if what == "insert" else None
    seen: list[int] = []
    store = open_store(answer_seconds=0.04)
    for number in range(1, 31):
        if chance.random() < 0.1:
            store = open_store(answer_seconds=0.04)
        while True:
            try:
                store.replace(LIST, b"%d" % number)
                break
            except StorageError as error:
                assert error.passing, error
            finally:
                if f"tv/{LIST}" in server.buckets["media"].objects:
                    seen.append(int(stored(server, LIST)))
        assert int(stored(server, LIST)) == number
    assert seen == sorted(seen) and len(server.faults) > 30


def test_bytes_that_arrive_as_others_are_asked_for_again(
    server: GcsServer, open_store: Callable[..., GcsStore], tmp_path: Path
) -> None:
    store = open_store()
    store.replace(LIST, b"#EXTM3U\n")
    server.buckets["media"].objects[f"tv/{LIST}"].__dict__["crc32c"] = "AAAAAA=="  # what the server says of them
    for ask in (lambda: store.get(LIST), lambda: store.fetch(LIST, tmp_path / "fetched")):
        with pytest.raises(StorageError, match="Checksum mismatch") as refused:
            ask()
        assert refused.value.passing and refused.value.field == f"gs://media/tv/{LIST}"
