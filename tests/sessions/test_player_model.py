"""A player that reloads at random moments, through a cache that keeps things as long as our headers allow (S7, O6)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

import m3u8
import pytest

from builders import at, chain
from house import MAIN, House, intervals
from livedvr.resources.layout import cache_control
from livedvr.resources.times import SECOND

TARGET = 2 * SECOND
ENDLIST = "#EXT-X-ENDLIST"


class Cache:
    """A shared cache in front of the store: as stale as the headers allow."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: dict[str, tuple[int, str]] = {}

    def fetch(self, name: str) -> str:
        now = self._house.clock.now()
        until, kept = self._kept.get(name, (0, ""))
        if now < until:
            return kept
        text = self._house.store.text(name)
        # A multivariant playlist is never sealed: it has no ENDLIST.
        header = cache_control(name, sealed=ENDLIST in text)
        age = re.search(r"max-age=(\d+)", header)
        self._kept[name] = (now + int(age[1]) * SECOND if age else now, text)
        return text


@dataclass
class Player:
    """Follows a presentation as RFC 8216bis 6.3.4 lets it; may start over from main.m3u8 at any moment."""

    cache: Cache
    random: random.Random
    playlist: str = ""
    seen: str = ""
    ended: bool = False
    reload_at: int = 0
    vanished: list[str] = field(default_factory=list)

    def act(self, now: int) -> None:
        """One look, if it is time: never later than 1.5 target durations after the last one, until the end is seen."""
        if self.ended or now < self.reload_at:
            return
        self.reload_at = now + self.random.randint(TARGET // 2, TARGET * 3 // 2)
        if not self.playlist or self.random.random() < 0.3:
            self.playlist = "dvr/match/" + m3u8.loads(self.cache.fetch(MAIN)).playlists[0].uri
        text = self.cache.fetch(self.playlist)
        self.vanished += [line for line in _segments(self.seen) if line not in _segments(text)]
        self.seen, self.ended = text, ENDLIST in text


def _segments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


async def watched(house: House, seed: int, end: float | None = None) -> list[Player]:
    """A session that is cut (to ``end`` seconds, else anywhere) at a random moment while players follow it."""
    chance = random.Random(seed)
    cache = Cache(house)
    players = [Player(cache, random.Random(seed * 100 + i)) for i in range(8)]
    s = chain([2 * SECOND] * 60)
    await house.create(0, None)
    await house.feed(s[0])
    for player in players:
        player.reload_at = house.clock.now() + chance.randint(0, 10 * TARGET)
    cut_after = chance.randint(5, 20)
    for i, one in enumerate(s[1:]):
        while house.clock.now() < one.end:
            house.clock.advance(chance.randint(1, SECOND))
            for player in players:
                player.act(house.clock.now())
        await house.feed(one)
        if i == cut_after:
            await house.patch((0, end or chance.uniform(1, (house.clock.now() - at(0)) / SECOND)))
    return players


@pytest.mark.semantics("S7", "O6")
@pytest.mark.parametrize("seed", range(25))
async def test_no_player_sees_a_segment_vanish_before_it_has_seen_the_end(house: House, seed: int) -> None:
    players = await watched(house, seed)
    assert house.state() == "FINISHED"
    assert all(player.ended for player in players)
    assert [player.vanished for player in players] == [[]] * len(players)


@pytest.mark.semantics("S7", "O6")
async def test_somebody_who_comes_after_the_cooldown_gets_the_new_end_at_once(house: House) -> None:
    await watched(house, 1)
    late = Player(Cache(house), random.Random(1))
    late.act(house.clock.now())
    assert late.playlist.endswith("index-2.m3u8")
    assert late.ended
    assert len(_segments(late.seen)) == house.manager.get("match").segments


@pytest.mark.parametrize("broken", ["no cooldown", "the same address"])
async def test_the_model_sees_what_goes_wrong_without_them(
    house: House, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*windows: tuple[float | None, float | None], name: str = "match") -> object:
        if broken == "no cooldown":
            monkeypatch.setattr("livedvr.sessions.maker.COOLDOWN", 0)
            await house.manager.update(name, intervals=intervals(*windows))
            return await house.rest()
        text = house.store.text("dvr/match/av/index-1.m3u8").splitlines(keepends=True)
        house.store.objects["dvr/match/av/index-1.m3u8"] = "".join(text[:10]).encode() + b"#EXT-X-ENDLIST\n"
        house.store.refuses = lambda name: name.endswith("index-1.m3u8")
        return None

    monkeypatch.setattr(house, "patch", cut)
    assert any(player.vanished for player in await watched(house, 0, end=1))
