// The page: what belongs together is brought together here.

import { listen, now, onToken } from "./api.js";
import * as channels from "./channels.js";
import { $, notice, say } from "./dom.js";
import * as making from "./making.js";
import * as player from "./player.js";
import * as sessions from "./sessions.js";
import * as snippets from "./snippets.js";
import * as store from "./store.js";
import * as timeline from "./timeline.js";

let looked = null;

function render() {
  const channel = store.channel();
  for (const id of ["player", "when", "sessions", "health"]) $(id).hidden = !channel;
  channels.render();
  if (!channel) return;
  if (looked !== store.channelId()) {
    looked = store.channelId();
    making.end();
    timeline.follow(true);
  }
  $("read-only").hidden = Boolean(channel.name);
  timeline.render();
  sessions.render();
  snippets.render();
}

function playAt(at) {
  const shown = player.shown(), id = store.channelId();
  if (shown?.channel === id) player.seek(at);
  else player.playChannel(id, store.channel(), at);
}

function goLive() {
  const channel = store.channel();
  if (player.shown()?.channel === store.channelId() && player.isLive()) player.toLive();
  else if (channel?.start !== undefined) player.playChannel(store.channelId(), channel);
}

function mark(side) {
  const at = player.utc() ?? now();
  const [start, end] = timeline.selection() ?? [at, null];
  making.begin(side ? [Math.min(start, at), at] : [at, end !== null && end > at ? end : null]);
}

const KEYS = {
  " ": player.toggle, ArrowLeft: () => player.move(-30), ArrowRight: () => player.move(30), l: goLive, m: player.mute,
  g: () => $("seek-to").focus(), "+": () => timeline.zoom(0.5), "-": () => timeline.zoom(2), f: timeline.fit,
  i: () => mark(0), o: () => mark(1), n: () => $("new").click(), "?": () => $("help").showModal(),
};

function key(event) {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") { making.end(); return; }
  if (target.closest("input, select, textarea") || (event.key === " " && target.closest("button, a"))) return;
  if (!Object.hasOwn(KEYS, event.key) || !store.channel()) return;
  event.preventDefault();
  KEYS[event.key]();
}

function askToken(why) {
  say($("token-why"), why);
  $("ask-token").showModal();
  return new Promise((resolve) => {
    $("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      $("ask-token").close();
      resolve($("token").value.trim());
      $("token").value = "";
    }, { once: true });
  });
}

function wire() {
  notice("");
  onToken(askToken);
  $("ask-token").addEventListener("cancel", (event) => event.preventDefault());
  timeline.onDo({ seek: playAt, select: making.begin, edge: sessions.moveEdge, open: sessions.open });
  player.onTime(() => {
    timeline.setPlayhead(player.shown()?.channel === store.channelId() ? player.utc() : null);
    snippets.render();
  });
  for (const module of [channels, making, player, sessions, timeline]) module.wire();
  $("to-live").addEventListener("click", goLive);
  $("help-open").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", key);
  store.onChange(render);
  listen("api/events", store.take, (text) => say($("connection"), text));
}

wire();
