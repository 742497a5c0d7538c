// What is selected becomes a DVR session or a clip, through the API.

import { ask, now } from "./api.js";
import { $, copyButton, el, keyed, notice, say } from "./dom.js";
import { refused } from "./sessions.js";
import * as store from "./store.js";
import { parse, rfc3339 } from "./time.js";
import * as timeline from "./timeline.js";

const ENDED = ["SUCCEEDED", "FAILED"];
const clips = new Map(); // of this page: name -> what the server says of it
const clipping = new Map(); // channel -> whether the server makes clips of it

export function begin([start, end]) {
  const channel = store.channel();
  if (!channel.name) return;
  timeline.select([start, end]);
  $("making").hidden = false;
  $("from").value = rfc3339(start);
  $("to").value = end === null ? "" : rfc3339(end);
  $("session-id").value = `window-${rfc3339(start).slice(0, 19).replace(/\D/g, "")}`;
  $("manifest-key").replaceChildren(...channel.manifests.map((key) => el("option", {}, key)));
  offerClips(channel.name);
}

export function end() {
  timeline.select(null);
  $("making").hidden = true;
}

// The window of the fields; an error names the field that is wrong.
function window_() {
  const start = parse($("from").value, now()), end = $("to").value.trim() ? parse($("to").value, now()) : null;
  for (const [id, at] of [["from", start], ["to", end]]) {
    const wrong = Number.isNaN(at);
    $(id).setAttribute("aria-invalid", wrong);
    if (wrong) { notice(`'${$(id).value}' is not a time: write 2026-11-21T14:05:00Z, or 14:05:00 (UTC).`, "bad"); $(id).focus(); return null; }
  }
  return [start, end];
}

async function makeSession(event) {
  event.preventDefault();
  const window = window_(), id = $("session-id").value.trim();
  if (!window) return;
  const timeInterval = { startTime: rfc3339(window[0]), ...(window[1] === null ? {} : { endTime: rfc3339(window[1]) }) };
  const body = { dvrManifests: [{ manifestKey: $("manifest-key").value }], dvrWindows: [{ timeInterval }] };
  try {
    await ask("POST", `/v1/${store.channel().name}/dvrSessions?dvrSessionId=${encodeURIComponent(id)}`, body);
    notice(`Session ${id} is made.`, "good");
    end();
  } catch (error) { refused(error); }
}

async function offerClips(name) {
  if (!clipping.has(name)) {
    clipping.set(name, false);
    clipping.set(name, await ask("GET", `/v1/${name}/clips?pageSize=1`).then(() => true, () => false));
  }
  $("export").hidden = !clipping.get(name);
}

async function makeClip() {
  const window = window_(), id = $("session-id").value.trim(), name = store.channel().name;
  if (!window) return;
  const slice = { timeSlice: { markinTime: rfc3339(window[0]), markoutTime: rfc3339(window[1] ?? now()) } };
  try {
    const { output } = await ask("GET", `/v1/${name}`);
    const body = { outputUri: `${output.uri.replace(/\/$/, "")}/clips/${id}`, outputType: "MP4", slices: [slice],
      clipManifests: [{ manifestKey: $("manifest-key").value }] };
    await ask("POST", `/v1/${name}/clips?clipId=${encodeURIComponent(id)}`, body);
    end();
    await follow(`${name}/clips/${id}`, store.channel().base, output.uri.replace(/\/$/, ""));
  } catch (error) { refused(error); }
}

// `base`: where what lies below the output `root` is served.
async function follow(name, base, root) {
  for (let clip = { state: "PENDING" }; ;) {
    const uri = clip.clipManifests?.[0]?.outputUri;
    clips.set(name, { ...clip, url: uri && base ? new URL(base + uri.slice(root.length), location.href).href : uri });
    renderClips();
    if (ENDED.includes(clip.state)) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    clip = await ask("GET", `/v1/${name}`);
  }
}

function renderClips() {
  keyed($("clips"), clips, makeItem, (item, clip) => {
    item.bar.hidden = ENDED.includes(clip.state);
    say(item.text, clip.state + (clip.error?.message ? `: ${clip.error.message}` : ""));
    item.copy.hidden = item.file.hidden = clip.state !== "SUCCEEDED";
    if (clip.url) item.file.href = clip.url;
  });
}

function makeItem(name) {
  const id = name.split("/").pop();
  const item = el("li", {}, el("strong", {}, id));
  item.bar = el("progress", { "aria-label": `Clip ${id}` });
  item.text = el("span", { className: "state" });
  item.copy = copyButton(`the address of clip ${id}`, () => clips.get(name).url);
  item.file = el("a", { download: `${id}.mp4` }, "Download");
  item.append(item.text, item.bar, item.file, item.copy);
  return item;
}

export function wire() {
  $("making").addEventListener("submit", makeSession);
  $("export").addEventListener("click", makeClip);
  $("forget").addEventListener("click", end);
  for (const id of ["from", "to"]) $(id).addEventListener("change", () => { const window = window_(); if (window) timeline.select(window); });
  $("new").addEventListener("click", () => {
    const selected = timeline.selection() ?? [Math.max(store.channel().start ?? 0, now() - 60_000), null];
    begin(selected);
    $("from").focus();
  });
}
