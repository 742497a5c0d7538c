"""Microsoft's own clients, unmodified, against the Graph facade, with somebody on the line."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from msgraph.generated.communications.calls.item.play_prompt.play_prompt_post_request_body import (
    PlayPromptPostRequestBody,
)
from msgraph.generated.communications.calls.item.record_response.record_response_post_request_body import (
    RecordResponsePostRequestBody,
)
from msgraph.generated.models import call as v1_call
from msgraph.generated.models import media_info as v1_media_info
from msgraph.generated.models import media_prompt as v1_media_prompt
from msgraph.generated.models.identity import Identity
from msgraph.generated.models.identity_set import IdentitySet
from msgraph.generated.models.invitation_participant_info import InvitationParticipantInfo
from msgraph.generated.models.modality import Modality
from msgraph.generated.models.operation_status import OperationStatus
from msgraph.generated.models.service_hosted_media_config import ServiceHostedMediaConfig
from msgraph_beta.generated.communications.calls.item.cancel_media_processing import (
    cancel_media_processing_post_request_body as beta_cancel,
)
from msgraph_beta.generated.communications.calls.item.record.record_post_request_body import RecordPostRequestBody
from msgraph_beta.generated.models.media_info import MediaInfo
from msgraph_beta.generated.models.media_prompt import MediaPrompt
from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError

from caller import Caller
from facades.graph_house import PROMPT, TOKEN, Bot, a_bot, client, toml
from live import free_tcp_port, listening, until
from livedvr import Channel, Input, Output
from livedvr.recordings.prompts import RATE, beep, samples_of
from livedvr.resources.models import to_micros
from livedvr.resources.streams import MuxStream, video_and_audio
from livedvr.serving import Server
from serving import Served, serving

pytestmark = pytest.mark.e2e

KEY = "correct-horse-battery"
PAGE = (Path(__file__).parents[2] / "docs" / "recordings-graph.md").read_text()
LONG = {"initial_silence_timeout_in_seconds": 60, "max_silence_timeout_in_seconds": 60}
HOUR = {**LONG, "max_record_duration_in_seconds": 300}


class Line:
    """A server with the facade, its channel on air, and who is on the line."""

    def __init__(self, served: Served, caller: Caller, listen: str, bot: Bot) -> None:
        self.served, self.caller, self.listen, self.bot = served, caller, listen, bot
        self.url = f"http://{listen}"

    async def call(self, graph: Any) -> str:
        """A call that is established; its id."""
        target = InvitationParticipantInfo(
            odata_type="#microsoft.graph.invitationParticipantInfo",
            identity=IdentitySet(odata_type="#microsoft.graph.identitySet", user=Identity(id="+15550100")),
        )
        body = v1_call.Call(
            odata_type="#microsoft.graph.call",
            callback_uri=self.bot.callback,
            targets=[target],
            requested_modalities=[Modality.Audio],
            media_config=ServiceHostedMediaConfig(odata_type="#microsoft.graph.serviceHostedMediaConfig"),
        )
        made = await graph.communications.calls.post(body)
        assert made.state == "establishing"
        return str(made.id)

    async def ended(self, operation: str) -> dict[str, Any]:
        """What was told of an operation when it was over."""
        (one,) = await asyncio.to_thread(until, lambda: self.bot.of(operation), f"operation {operation} is over")
        assert one["changeType"] == "deleted"
        data: dict[str, Any] = one["resourceData"]
        return data


@pytest.fixture
def line(wheel_ffmpeg: str, tmp_path: Path) -> Iterator[Line]:
    listen, port = f"127.0.0.1:{free_tcp_port()}", free_tcp_port()
    (tmp_path / "facades.toml").write_text(toml(listen, tmp_path))
    segment = timedelta(seconds=1)
    channel = Channel(
        channel_id="live",
        input=Input(uri=f"rtmp://:{port}/live/{KEY}"),
        output=Output(uri=str(tmp_path / "media/live")),
        elementary_streams=video_and_audio(),
        mux_streams=(MuxStream(segment_duration=segment),),
    )
    with (
        a_bot() as bot,
        serving(tmp_path / "data", facades=tmp_path / "facades.toml", allow_webhook=(bot.authority,)) as served,
    ):
        served.within(lambda server: server.dvr.channels.create(channel))
        served.within(lambda server: server.dvr.channels.start("live"))
        listening(port)
        with Caller(wheel_ffmpeg, f"rtmp://127.0.0.1:{port}/live/{KEY}") as caller:
            served.within(on_air)
            yield Line(served, caller, listen, bot)


async def on_air(server: Server) -> None:
    runtime = await server.dvr.runtime("live")
    while not runtime.known.timeline.segments("av"):
        await asyncio.wait_for(runtime.changed.wait(), 60)


async def now(server: Server) -> int:
    return server._clock.now()


def fetched(operation: dict[str, Any]) -> bytes:
    """The wav that an operation's token opens."""
    bearer = {"Authorization": f"Bearer {operation['recordingAccessToken']}"}
    with requests.Session() as http:
        http.trust_env = False
        assert http.get(operation["recordingLocation"]).status_code == 401
        answer = http.get(operation["recordingLocation"], headers=bearer)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in answer.headers
    return answer.content


def length(wav: bytes) -> float:
    assert len(samples_of(wav)) == len(wav) - 44, "16 kHz, 16 bit, mono, a head of 44 bytes"
    return len(samples_of(wav)) / 2 / RATE


async def test_microsofts_clients(line: Line) -> None:
    """Three bots at once: a channel takes its time to come on air."""
    async with client("v1.0", line.listen) as graph, client("beta", line.listen) as beta:
        await asyncio.gather(
            what_ends_a_recording(line, graph, beta), prompts_and_barging_in(line, graph, beta), the_page_s_client(line)
        )


async def what_ends_a_recording(line: Line, graph: Any, beta: Any) -> None:
    calls = beta.communications.calls

    async def record(**given: Any) -> Any:
        found = await calls.by_call_id(await line.call(graph)).record.post(
            RecordPostRequestBody(client_context="mine", **given)
        )
        assert (found.status.value, found.client_context, found.completion_reason) == ("Running", "mine", None)
        return found

    tone = await record(stop_tones=["11", "#"], **HOUR)
    silence = await record(**{**HOUR, "max_silence_timeout_in_seconds": 1})
    initial = await record(initial_silence_timeout_in_seconds=1)
    longest = await record(max_record_duration_in_seconds=1)
    failed, filled = await line.ended(initial.id), await line.ended(longest.id)
    line.caller.speak(1)
    quiet = await line.ended(silence.id)
    line.caller.speak(0.5)
    line.caller.press("#")
    pressed = await line.ended(tone.id)

    said = {
        one["completionReason"]: (one["status"], one["resultInfo"]["code"], one["resultInfo"]["subcode"])
        for one in (failed, filled, quiet, pressed)
    }
    assert said == {
        "initialSilenceTimeout": ("failed", 400, 8510),
        "maxRecordDurationReached": ("completed", 200, 8515),
        "maxSilenceTimeout": ("completed", 200, 8509),
        "stopToneDetected": ("completed", 200, 8514),
    }
    assert (failed["recordingLocation"], failed["recordingAccessToken"]) == ("", "")
    assert length(fetched(filled)) == 1.0, "to the sample"
    assert length(fetched(quiet)) >= 2.0 and length(fetched(pressed)) > length(fetched(quiet))
    claims = await asyncio.to_thread(line.bot.verified, f"{line.url}/.well-known/openid-configuration")
    assert {one["iss"] for one in claims} == {"https://api.botframework.com"}


async def the_page_s_client(line: Line) -> None:
    """docs/recordings-graph.md: it runs as it stands, but for who is asked and who is told."""
    code = PAGE.partition("```python\n")[2].partition("```")[0]
    here = {"http://127.0.0.1:8095": line.url, "a-long-random-bearer-token": TOKEN}
    for theirs, ours in {**here, "https://bot.example/callback": line.bot.callback}.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    pipe = asyncio.subprocess.PIPE
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=pipe, stderr=pipe)
    said, complained = await bot.communicate()
    assert bot.returncode == 0, complained.decode()
    assert said.decode().splitlines()[1] == f"{44 + 2 * 2 * RATE} bytes", "two seconds, to the sample"


async def prompts_and_barging_in(line: Line, graph: Any, beta: Any) -> None:
    call = await line.call(graph)
    heard = bytearray()
    hears = threading.Event()

    def listen() -> None:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{line.url}/v1.0/communications/calls/{call}/downlink"
        with suppress(requests.RequestException), requests.get(url, headers=bearer, stream=True) as answer:
            for block in answer.iter_content(None):
                heard.extend(block)
                hears.set()

    ear = threading.Thread(target=listen)
    began = await asyncio.to_thread(line.served.within, now)
    ear.start()
    assert await asyncio.to_thread(hears.wait, 60)
    prompt = MediaPrompt(
        odata_type="#microsoft.graph.mediaPrompt",
        media_info=MediaInfo(odata_type="#microsoft.graph.mediaInfo", uri=line.bot.prompt),
    )
    recording = beta.communications.calls.by_call_id(call).record
    first = await recording.post(
        RecordPostRequestBody(prompts=[prompt], play_beep=True, max_record_duration_in_seconds=1)
    )
    both = samples_of(PROMPT) + beep()
    await asyncio.to_thread(until, lambda: bytes(heard).find(both) > 0, "prompt and beep are heard")
    ended = await line.ended(first.id)
    assert ended["completionReason"] == "maxRecordDurationReached" and length(fetched(ended)) == 1.0
    at = bytes(heard).index(both)
    told = await asyncio.to_thread(line.served.within, lambda server: server.dvr.recordings.get("live", str(first.id)))
    assert told.start_time is not None
    assert to_micros(told.start_time) >= began + (at - 44 + len(both)) // 2 * 1_000_000 // RATE
    assert not any(heard[44:at]) and not any(heard[at + len(both) :]), "silence otherwise"

    running = await recording.post(RecordPostRequestBody(play_beep=False, **HOUR))
    waiting = await graph.communications.calls.by_call_id(call).record_response.post(
        RecordResponsePostRequestBody(play_beep=False, max_record_duration_in_seconds=120)
    )
    played = await graph.communications.calls.by_call_id(call).play_prompt.post(
        PlayPromptPostRequestBody(
            prompts=[
                v1_media_prompt.MediaPrompt(
                    odata_type="#microsoft.graph.mediaPrompt",
                    media_info=v1_media_info.MediaInfo(odata_type="#microsoft.graph.mediaInfo", uri=line.bot.prompt),
                )
            ]
        )
    )
    assert [one.status for one in (waiting, played)] == [OperationStatus.NotStarted] * 2
    barging = await recording.post(RecordPostRequestBody(barge_in_allowed=True, **HOUR))
    for one in (running, waiting, played):
        canceled = await line.ended(one.id)
        assert (canceled["status"], canceled["resultInfo"]["subcode"]) == ("failed", 8508)
    listed = await graph.communications.calls.by_call_id(call).operations.get()
    assert [one.status.value for one in listed.value] == ["Completed", "Failed", "Failed", "Failed", "Running"]
    body = beta_cancel.CancelMediaProcessingPostRequestBody(client_context="enough")
    over = await beta.communications.calls.by_call_id(call).cancel_media_processing.post(body)
    assert (over.status.value, over.client_context) == ("Completed", "enough")
    assert (await line.ended(barging.id))["completionReason"] == "operationCanceled"

    with pytest.raises(ODataError) as refused:
        await recording.post(RecordPostRequestBody(max_record_duration_in_seconds=301))
    assert refused.value.response_status_code == 400 and refused.value.error.code == "BadRequest"
    await graph.communications.calls.by_call_id(call).delete()
    await asyncio.to_thread(ear.join, 60)
    assert not ear.is_alive(), "the downlink ends with its call"
    assert fetched(ended), "it is kept for a while"
