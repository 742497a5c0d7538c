// The list of channels, and how the chosen one's input is.

import { now } from "./api.js";
import { $, attribute, el, keyed, say } from "./dom.js";
import * as store from "./store.js";
import { live as liveThumb } from "./thumbs.js";
import { length, size } from "./time.js";

export function render() {
  const all = Object.keys(store.channels()).sort();
  $("no-channels").hidden = all.length > 0;
  keyed($("channels"), new Map(all.map((id) => [id, store.channels()[id]])), make, update);
  figures();
}

function make(id) {
  const parts = { picture: el("img", { alt: "", width: 128, height: 72 }), state: el("span", { className: "state" }), health: el("span", { className: "small" }) };
  const button = el("button", { type: "button", onclick: () => store.choose(id) },
    parts.picture, el("span", { className: "name" }, id), parts.state, parts.health);
  const item = el("li", {}, button);
  Object.assign(item, { parts, button });
  return item;
}

function update(item, channel, id) {
  attribute(item.button, "aria-pressed", id === store.channelId());
  say(item.parts.state, channel.state.replaceAll("_", " ").toLowerCase());
  attribute(item.parts.state, "data-state", channel.state);
  const { bitrate, fps, gaps } = channel.health ?? {};
  say(item.parts.health, [rate(bitrate), fps && `${fps} fps`, gaps && (gaps === 1 ? "1 gap" : `${gaps} gaps`)].filter(Boolean).join(" · "));
  liveThumb(item.parts.picture, id, channel);
}

const rate = (bits) => (bits ? `${(bits / 1e6).toFixed(bits < 1e7 ? 2 : 1)} Mbit/s` : "");

function figures() {
  const channel = store.channel();
  const health = channel?.health ?? {};
  const rows = new Map();
  const add = (name, value) => { if (value !== undefined && value !== "" && value !== null) rows.set(name, value); };
  if (channel) {
    add("State", channel.state + (channel.error ? `: ${channel.error}` : ""));
    add("Media", channel.media?.join("; "));
    add("Bit rate", rate(health.bitrate));
    add("Frame rate", health.fps && `${health.fps} fps`);
    add("Newest segment", channel.end && `${length(Math.max(0, now() - channel.end))} ago`);
    add("Drift", health.drift !== undefined ? `${health.drift} ppm` : undefined);
    add("Later than dated", health.late !== undefined ? `${health.late} ms` : undefined);
    add("Gaps", health.gaps && `${health.gaps}, ${length(health.gapTime)} together`);
    add("ffmpegs started", health.runs);
    add("Kept", health.bytes !== undefined && `${size(health.bytes)} of ${length(channel.retention)}`);
    add("Waiting for the store", health.waiting ? size(health.waiting) : undefined);
  }
  keyed($("figures"), rows, (name) => el("div", {}, el("dt", {}, name), el("dd")), (row, value) => say(row.lastChild, String(value)));
}

export function wire() {
  setInterval(figures, 1000);
}
