"""The console in a real browser, over a real server, a real encoder and one recording with a break in it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.cloud.video.live_stream_v1 import types
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import axe, browser  # noqa: F401 - fixtures
from live import FLV, Encoder, listening, until
from livedvr.ingest.testsrc import read_clock
from livedvr.resources.models import TimeInterval
from livestream import av_channel, session
from serving import HERE, Served, serving

pytestmark = pytest.mark.e2e

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
SEGMENT = 2.0  # seconds
MARKUP = "<img src=x onerror=window.pwned=1>"


@dataclass(frozen=True)
class Watched:
    """A page that shows a channel; ``broken_at``: UTC seconds before the break in it."""

    page: Any
    served: Served
    channel: str
    broken_at: float

    def find(self, selector: str) -> Any:
        return self.page.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What is read there; nothing while nothing is there."""
        found: str = self.look(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText).join('')", selector
        )  # at once: what is found may be gone when it is asked for its text
        return found

    def look(self, script: str, *given: Any) -> Any:
        return self.page.execute_script(script, *given)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.served.ask("GET", "/console/api/state").json()["channels"]["news"]
        return state

    def picture(self, name: str) -> None:
        """Keep a screenshot."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.save_screenshot(str(ARTEFACTS / f"{name}.png"))

    def clock(self) -> float | None:
        """UTC seconds under the playhead, as the page tells."""
        told = self.find("#clock").get_attribute("datetime")
        return datetime.fromisoformat(told).timestamp() if told else None

    def burnt(self) -> float | None:
        """UTC seconds that the picture on screen carries in its pixels."""
        size, luma = self.look(
            "const c = document.createElement('canvas'), v = document.getElementById('video');"
            "if (!v.videoWidth) return [[0, 0], []]; c.width = v.videoWidth; c.height = v.videoHeight;"
            "const p = c.getContext('2d'); p.drawImage(v, 0, 0);"
            "const d = p.getImageData(0, 0, c.width, c.height).data;"
            "const l = []; for (let i = 0; i < d.length; i += 4) l.push(d[i + 1]); return [[c.width, c.height], l];"
        )
        micros = read_clock(bytes(luma), *size, size[0]) if luma else None
        return micros / 1e6 if micros is not None else None

    def is_settled(self) -> bool:
        """Whether the player is where it has been sent to."""
        settled: bool = self.look("const v = document.getElementById('video'); return !v.seeking && v.readyState > 2")
        return settled

    def play(self) -> None:
        """Have the channel play, wherever; each test may be the first of its page."""
        if self.clock() is None:
            self.find("#to-live").click()
            until(self.burnt, "a picture is shown")

    def press(self, button: str) -> None:
        """Have a button pressed that stays so."""
        if self.find(button).get_attribute("aria-pressed") == "false":
            self.find(button).click()

    def go_to(self, seconds: float) -> None:
        self.play()
        box = self.find("#seek-to")
        box.clear()
        box.send_keys(datetime.fromtimestamp(seconds, UTC).isoformat(), Keys.ENTER)


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    browser: Any,  # noqa: F811
) -> Iterator[Watched]:
    with serving(tmp_path_factory.mktemp("console") / "data") as served:
        client = served.rest
        rtmp = types.Input(type_=types.Input.Type.RTMP_PUSH)
        given = client.create_input(parent=HERE, input_id="in", input=rtmp).result()
        asked = av_channel(given.name, "gs://bucket/news")
        channel = client.create_channel(parent=HERE, channel_id="news", channel=asked).result().name
        client.start_channel(name=channel).result()
        port = int(given.uri.split(":")[2].partition("/")[0])

        def ranges() -> list[Any]:
            found = served.ask("GET", "/console/api/state").json()["channels"]["news"]["ranges"]
            return [found[number] for number in sorted(found, key=int)]

        listening(port)
        with Encoder(given.uri, mux=FLV, size=(640, 360)):
            until(lambda: ranges() and ranges()[0][2] >= 3, "three segments")
        until(
            lambda: (
                served.ask("GET", f"{channel[channel.index('projects') :]}").json()["streamingState"] != "STREAMING"
            ),
            "the encoder is missed",
        )
        listening(port)
        with Encoder(given.uri, mux=FLV, size=(640, 360)):
            until(lambda: len(ranges()) == 2 and ranges()[1][2] >= 2, "two more behind the break")
            browser.set_window_size(1280, 1000)
            browser.get(f"{served.url}/")
            yield Watched(browser, served, channel, ranges()[0][1] / 1000)


@pytest.fixture(autouse=True)
def nothing_goes_wrong(watched: Watched) -> Iterator[None]:
    """On the page, but for what a test has asked the server to refuse."""
    yield
    told = [one["message"] for one in watched.page.get_log("browser") if one["level"] in ("SEVERE", "WARNING")]
    assert [message for message in told if not re.search(r"dvrSessions/running\?.* 400 ", message)] == []


def test_a_live_channel_plays_and_says_what_time_it_is(watched: Watched) -> None:
    until(lambda: watched.find("#connection").text == "connected", "the page is connected")
    until(lambda: re.search(r"Mbit/s · 30 fps · 1 gap$", watched.text("#channels")), "the page has its figures")
    watched.find("#to-live").click()
    until(watched.clock, "something is shown")
    first = until(watched.burnt, "a picture is shown")
    until(lambda: (watched.burnt() or 0) > first + 1, "it goes on")
    watched.look("document.getElementById('video').pause()")
    shown, told = until(watched.burnt, "a picture"), watched.clock()
    assert told == pytest.approx(shown, abs=0.5)
    assert time.time() - shown < 20
    watched.look("document.getElementById('video').play()")


def test_it_plays_across_a_break(watched: Watched) -> None:
    watched.go_to(watched.broken_at - 1)
    until(lambda: abs((watched.burnt() or 0) - watched.broken_at) < 3, "it is before the break")
    gap = watched.find("#media .gap")
    assert "source lost" in gap.get_attribute("aria-label") or "Gap of" in gap.get_attribute("aria-label")
    after = next(end for start, end, _ in watched.state()["gaps"].values()) / 1000
    until(lambda: (watched.burnt() or 0) > after + 0.2, "it goes on behind the break")
    assert watched.clock() == pytest.approx(watched.burnt() or 0, abs=0.7)


def test_a_session_is_made_by_dragging(watched: Watched) -> None:
    watched.find("#fit").click()
    media = watched.find("#media")
    width = media.size["width"]
    drag = ActionChains(watched.page).move_to_element_with_offset(media, -width // 4, 0).click_and_hold()
    drag.move_by_offset(20, 0).move_by_offset(40, 0).release().perform()
    box = watched.find("#session-id")
    box.clear()
    box.send_keys("dragged")
    start, end = (watched.find(f"#{name}").get_attribute("value") for name in ("from", "to"))
    watched.picture("dragging")
    box.send_keys(Keys.ENTER)
    name = f"{watched.channel}/dvrSessions/dragged"
    until(lambda: watched.served.ask("GET", name).ok, "the API has it")
    made = watched.served.rest.get_dvr_session(name=name)
    interval = made.dvr_windows[0].time_interval
    assert [interval.start_time.isoformat(), interval.end_time.isoformat()] == [
        datetime.fromisoformat(time).isoformat() for time in (start, end)
    ]
    until(lambda: "FINISHED" in watched.text("#session-list [data-session=dragged]"), "the page shows it")


def test_the_end_of_a_session_is_moved_and_its_cooldown_explained(watched: Watched) -> None:
    asked = session((datetime.fromtimestamp(watched.broken_at - 2, UTC), None))
    watched.served.rest.create_dvr_session(parent=watched.channel, dvr_session_id="running", dvr_session=asked).result()
    until(lambda: watched.state()["sessions"]["running"]["state"] == "LIVE", "it is live")
    watched.press("#follow")
    edge = until(
        lambda: watched.page.find_elements(By.CSS_SELECTOR, "#bars [data-session=running] .edge.end"), "an edge"
    )
    edge[0].send_keys(Keys.ARROW_LEFT * 2, Keys.ENTER)
    row = "#session-list [data-session=running]"
    until(lambda: re.search(r"COOLDOWN.*its new end counts in \d+ s", watched.text(row), re.DOTALL), "it is explained")
    assert "is in COOLDOWN for 60 s" in watched.find("#notice").text
    watched.picture("cooldown")
    edge[0].send_keys(Keys.ARROW_LEFT, Keys.ENTER)
    until(lambda: "The server refuses: " in watched.find("#notice").text, "a refusal is shown as the server says it")
    assert "COOLDOWN" in watched.find("#notice").text


def test_a_clip_is_exported(watched: Watched) -> None:
    watched.find("#new").click()
    for name, seconds in (("from", watched.broken_at - 3), ("to", watched.broken_at - 1)):
        box = watched.find(f"#{name}")
        box.clear()
        box.send_keys(datetime.fromtimestamp(seconds, UTC).isoformat())
    box = watched.find("#session-id")
    box.clear()
    box.send_keys("goal")
    watched.find("#export").click()
    until(lambda: "SUCCEEDED" in watched.text("#clips"), "it is made")
    file = watched.served.ask("GET", urlsplit(watched.find("#clips a").get_attribute("href")).path)
    assert (file.status_code, file.headers["content-type"], file.content[4:8]) == (200, "video/mp4", b"ftyp")


def test_what_others_write_is_text(watched: Watched) -> None:
    window = TimeInterval(start_time=datetime.fromtimestamp(watched.broken_at - 4, UTC))
    watched.served.within(
        lambda server: server.dvr.sessions.create("news", "marked", [window], labels={"note": MARKUP})
    )
    until(lambda: MARKUP in watched.find("#session-list").text, "it is shown")
    assert watched.look("return document.querySelectorAll('#session-list img').length + (window.pwned ?? 0)") == 0


def test_nobody_is_kept_out(watched: Watched, axe: str) -> None:  # noqa: F811
    watched.look(axe)
    watched.find("#new").click()
    for theme in ("light", "dark"):
        watched.page.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        )
        found = watched.page.execute_async_script("axe.run().then((r) => arguments[0](r.violations))")
        assert not found, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        watched.picture(theme)
    watched.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    watched.find("#forget").click()


def test_keys_are_told_and_work(watched: Watched) -> None:
    body = watched.find("body")
    body.send_keys("?")
    assert watched.find("#help").is_displayed()
    watched.find("#help button").click()
    view = watched.find("#view").text
    body.send_keys("+")
    assert watched.find("#view").text != view
    body.send_keys("i")
    assert watched.find("#making").is_displayed()
    body.send_keys(Keys.ESCAPE)
    assert not watched.find("#making").is_displayed()


def test_it_fits_a_telephone(watched: Watched) -> None:
    watched.page.set_window_size(400, 900)
    until(lambda: watched.look("return innerWidth") <= 400, "it is narrow")
    assert watched.look("return document.documentElement.scrollWidth") <= watched.look("return innerWidth")
    watched.picture("400px")
    watched.page.set_window_size(1280, 1000)


def test_back_by_half_a_minute_and_to_live(watched: Watched) -> None:
    until(lambda: watched.state()["end"] - watched.state()["start"] > 36_000, "there is half a minute")
    watched.find("#to-live").click()
    live = until(lambda: watched.burnt() and watched.burnt() > time.time() - 15 and watched.burnt(), "it is live")
    asked = live - 30
    watched.go_to(asked)
    until(lambda: (watched.burnt() or live) < live - 20 and watched.is_settled(), "it is elsewhere")
    assert until(watched.burnt, "a picture") - asked == pytest.approx(0, abs=SEGMENT)
    watched.find("body").send_keys("l")
    until(lambda: (watched.burnt() or 0) >= live, "it is live again")
    watched.look("scrollTo(0, 0)")
    watched.look("document.querySelector('#notice button')?.click()")
    watched.find("#fit").click()
    watched.picture("console")
