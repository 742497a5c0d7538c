// The chosen channel's sessions: what they are, and how their windows are changed, through the API.

import { ask, now, Refused } from "./api.js";
import { $, attribute, copyButton, el, keyed, notice, say } from "./dom.js";
import * as player from "./player.js";
import * as store from "./store.js";
import { clock, dateAndClock, length, parse, rfc3339, size } from "./time.js";
import { showWhole } from "./timeline.js";

const ABOUT = {
  PENDING: "accepted", SCHEDULED: "waits for media of its windows", LIVE: "grows", FINISHED: "sealed",
  UPDATING: "its windows are being changed", POST_PROCESSING: "is being sealed", STOPPING: "its channel is being stopped",
  DELETING: "is being deleted", FAILED: "there is nothing to show",
};
let editing = null; // {id, resource}

export function render() {
  const channel = store.channel();
  if (!channel) return;
  const items = new Map(Object.entries(channel.sessions).sort(([, a], [, b]) => b.created - a.created));
  keyed($("session-list"), items, make, update);
  $("new").hidden = !channel.name;
}

function make(id) {
  const parts = { state: el("span", { className: "state" }), about: el("span", { className: "small about" }), windows: el("span", { className: "small" }), labels: el("span", { className: "small" }) };
  parts.play = el("button", { type: "button", onclick: () => open(id) }, "Play");
  parts.edit = el("button", { type: "button", onclick: () => edit(id) }, "Windows …");
  parts.end = el("button", { type: "button", onclick: () => endNow(id) }, "End now");
  parts.copy = copyButton(`the manifest URL of ${id}`, () => new URL(store.channel().sessions[id].manifest, location.href).href);
  parts.copy.textContent = "Copy";
  for (const [name, what] of [["play", "Play"], ["edit", "Change the windows of"], ["end", "End now:"]]) parts[name].setAttribute("aria-label", `${what} ${id}`);
  const item = el("li", { "data-session": id }, el("strong", {}, id), parts.state, parts.windows, parts.about, parts.labels,
    el("span", { className: "buttons" }, parts.play, parts.copy, parts.edit, parts.end));
  item.parts = parts;
  return item;
}

function update(item, session, id) {
  const { parts } = item, channel = store.channel();
  const { state } = session;
  say(parts.state, state);
  attribute(parts.state, "data-state", state);
  const windows = session.windows.map(([start, end]) => `${dateAndClock(start)} to ${end === null ? "open" : clock(end)}`);
  say(parts.windows, windows.join(", "));
  say(parts.labels, Object.entries(session.labels).map(([key, value]) => `${key}=${value}`).join(" "));
  say(parts.about, about(session));
  parts.play.hidden = parts.copy.hidden = !session.manifest;
  parts.edit.hidden = !channel.name;
  parts.end.hidden = !channel.name || state !== "LIVE";
}

function about(session) {
  const has = session.duration ? `${length(session.duration)}, ${size(session.bytes)}${session.gaps ? `, ${session.gaps} gaps` : ""}` : "";
  if (session.state === "COOLDOWN") {
    const left = session.cooldown === undefined ? null : Math.max(0, Math.ceil((session.cooldown - now()) / 1000));
    return `sealed as it stands; its new end counts ${left === null ? "soon" : `in ${left} s`}. Until then it cannot be changed.`;
  }
  return [session.error ?? ABOUT[session.state] ?? "", has].filter(Boolean).join(": ");
}

export function open(id) {
  const session = store.channel().sessions[id];
  const [start, end] = [session.windows[0][0], session.windows.at(-1)[1] ?? now()];
  showWhole(session.start ?? start, session.end ?? end);
  if (session.manifest) player.playSession(store.channelId(), id, session);
}

const path = (id) => `/v1/${store.channel().name}/dvrSessions/${encodeURIComponent(id)}`;

// An edge that was dragged, or moved by keys. All other windows are sent as the server has them, to the microsecond.
export async function moveEdge({ id, i, side }, at) {
  await patch(id, (windows) => { windows[i].timeInterval[side ? "endTime" : "startTime"] = rfc3339(at); });
}

function endNow(id) {
  const last = store.channel().sessions[id].windows.length - 1;
  return patch(id, (windows) => { windows[last].timeInterval.endTime = rfc3339(now()); });
}

async function patch(id, change) {
  try {
    const resource = await ask("GET", path(id));
    change(resource.dvrWindows);
    await send(id, resource.dvrWindows);
  } catch (error) { refused(error); }
}

async function send(id, dvrWindows) {
  const name = path(id).slice(4);
  const { response } = await ask("PATCH", `${path(id)}?updateMask=dvrWindows`, { name, dvrWindows });
  if (response?.state === "COOLDOWN") {
    notice(`${id} is in COOLDOWN for 60 s: its manifest is sealed as it stands, and then has the end that you gave. Nothing of it can be changed meanwhile.`);
  } else notice(`${id}: its windows are changed.`, "good");
}

export function refused(error) {
  if (!(error instanceof Refused || error instanceof TypeError)) throw error;
  notice(error instanceof Refused ? `The server refuses: ${error.message}` : `The server does not answer: ${error.message}`, "bad");
}

async function edit(id) {
  try {
    editing = { id, windows: (await ask("GET", path(id))).dvrWindows };
  } catch (error) { refused(error); return; }
  say($("edit-title"), `Windows of ${id}`);
  $("edit-windows").replaceChildren(...editing.windows.map(({ timeInterval }, i) => el("fieldset", {}, el("legend", {}, `Window ${i + 1}`),
    field("From", timeInterval.startTime, i, "startTime"), field("To", timeInterval.endTime, i, "endTime"))));
  $("edit").showModal();
}

const field = (label, value, i, name) => el("label", {}, `${label} `, el("input", { size: 28, value: value ?? "", "data-i": i, name, autocomplete: "off" }));

async function editDone(event) {
  event.preventDefault();
  for (const input of $("edit-windows").querySelectorAll("input")) {
    const interval = editing.windows[input.dataset.i].timeInterval;
    if (input.value.trim() === (interval[input.name] ?? "")) continue; // as the server has it
    if (!input.value.trim()) { delete interval[input.name]; continue; }
    const at = parse(input.value, now());
    if (Number.isNaN(at)) { notice(`'${input.value}' is not a time: write 2026-11-21T14:05:00Z, or 14:05:00 (UTC).`, "bad"); return; }
    interval[input.name] = rfc3339(at);
  }
  $("edit").close();
  try { await send(editing.id, editing.windows); } catch (error) { refused(error); }
}

export function wire() {
  $("edit-form").addEventListener("submit", editDone);
  $("edit-close").addEventListener("click", () => $("edit").close());
  setInterval(render, 1000); // countdowns
}
