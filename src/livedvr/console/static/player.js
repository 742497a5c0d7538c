// Plays a manifest, by hls.js where it is there and by the browser itself else, in the stream's own time.

import { headers, now, token } from "./api.js";
import { $, notice, say } from "./dom.js";
import { dated, toPosition, toUtc } from "./playlist.js";
import { clockFine, parse, rfc3339 } from "./time.js";

const BACK = 6 * 3600 * 1000; // how much of a channel is loaded before the time asked for, at most
const video = $("video");

// What is on screen: {kind, id, channel, url, from}; `list`: its segments, see playlist.js.
let showing = null;
let list = [];
let ended = false;
let hls = null;
let loading = 0;
let told = () => {};

export const onTime = (tell) => { told = tell; };
export const shown = () => showing;
export const utc = () => (showing && list.length ? toUtc(list, video.currentTime) : null);
export const isLive = () => list.length > 0 && !ended;

export function playSession(channel, id, session, at = null) {
  return show({ kind: "session", channel, id, url: new URL(session.manifest, location.href).href }, at);
}

// The channel itself, from `at` on (null: live): a window that nobody has to make, see docs/console.md.
export function playChannel(channel, state, at = null) {
  const from = Math.max(state.start, (at ?? state.end) - BACK);
  const url = new URL(`${state.live}?start=${rfc3339(from)}`, location.href).href;
  return show({ kind: "channel", channel, id: channel, url, from, state }, at);
}

async function show(what, at) {
  const mine = ++loading;
  stop();
  showing = what;
  say($("playing"), what.kind === "session" ? `Session ${what.id} of ${what.channel}` : `Channel ${what.channel}`);
  try {
    const [found, Hls] = await Promise.all([dated(what.url), player()]);
    if (mine !== loading) return;
    ({ list, ended } = found);
    const start = at === null ? (ended ? 0 : -1) : toPosition(list, at) ?? 0;
    if (Hls?.isSupported()) withHls(Hls, what.url, start);
    else byItself(what.url, start);
    await video.play();
  } catch (error) {
    if (mine === loading && error.name !== "AbortError") notice(`It cannot be played: ${error.message}`, "bad");
  }
}

async function player() {
  return (await import("./hls.min.mjs").catch(() => ({}))).default;
}

function withHls(Hls, url, start) {
  hls = new Hls({
    enableWorker: false, // its worker would be a script from a blob, which the page's policy refuses
    autoStartLoad: false,
    liveSyncDuration: 3 * (list.at(-1)?.d ?? 2),
    backBufferLength: 60,
    xhrSetup: (xhr) => { for (const [name, value] of Object.entries(headers())) xhr.setRequestHeader(name, value); },
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => hls.startLoad(start));
  hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
    list = details.fragments.map((one) => ({ t: one.start, d: one.duration, utc: one.programDateTime }));
    ended = !details.live;
  });
  let recovered = 0;
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && recovered++ < 2) hls.recoverMediaError();
    else notice(`It cannot be played: ${error.details}`, "bad");
  });
  hls.loadSource(url);
  hls.attachMedia(video);
}

function byItself(url, start) {
  if (!video.canPlayType("application/vnd.apple.mpegurl")) {
    throw new Error("this browser plays no HLS by itself, and hls.js is not installed here (scripts/setup gets it)");
  }
  if (token()) throw new Error("this browser's own player sends no token: install hls.js, or serve with --public-media");
  video.src = url;
  const mine = loading;
  const position = start < 0 ? Math.max(0, toEnd() - 6) : start;
  video.addEventListener("loadedmetadata", () => { if (position > 0) video.currentTime = position; }, { once: true });
  const again = async () => { // the browser tells no dates: the playlist is read beside it while it grows
    if (mine !== loading || ended) return;
    const found = await dated(url).catch(() => null);
    if (mine === loading && found) ({ list, ended } = found);
    setTimeout(again, 4000);
  };
  setTimeout(again, 4000);
}

const toEnd = () => (list.length ? list.at(-1).t + list.at(-1).d : 0);

function stop() {
  hls?.destroy();
  hls = null;
  list = [];
  if (video.hasAttribute("src")) { video.removeAttribute("src"); video.load(); }
}

// To a time of the stream; what lies before what is loaded is loaded.
export function seek(at) {
  if (!showing) return;
  const position = toPosition(list, at);
  if (position !== null && position <= toEnd()) video.currentTime = Math.min(position, Math.max(0, toEnd() - 0.5));
  else if (showing.kind === "channel") playChannel(showing.channel, showing.state, at);
  else if (list.length) video.currentTime = 0;
  told();
}

export function toLive() {
  if (!showing) return;
  const edge = hls?.liveSyncPosition ?? Math.max(0, toEnd() - 6);
  video.currentTime = Math.min(edge, toEnd());
  video.play();
}

export function toggle() {
  if (video.paused) video.play().catch(() => {}); else video.pause();
}

export function wire() {
  $("play").addEventListener("click", toggle);
  $("back").addEventListener("click", () => move(-30));
  $("ahead").addEventListener("click", () => move(30));
  $("mute").addEventListener("click", mute);
  $("rate").addEventListener("change", () => { video.playbackRate = Number($("rate").value); });
  $("seek").addEventListener("submit", (event) => {
    event.preventDefault();
    const at = parse($("seek-to").value, utc() ?? now());
    if (Number.isNaN(at)) notice("A time is written 14:05:00, or 2026-11-21T14:05:00Z (UTC).", "bad");
    else { seek(at); $("seek-to").value = ""; }
  });
  for (const name of ["timeupdate", "seeked", "play", "pause", "loadeddata"]) video.addEventListener(name, look);
  setInterval(look, 250);
}

export function move(seconds) {
  const at = utc();
  if (at !== null) seek(at + seconds * 1000);
}

export function mute() {
  video.muted = !video.muted;
  $("mute").setAttribute("aria-pressed", video.muted);
  say($("mute"), video.muted ? "Muted" : "Mute");
}

function look() {
  say($("play"), video.paused ? "Play" : "Pause");
  const at = utc();
  say($("clock"), at === null ? "--:--:--" : `${clockFine(at)} UTC`);
  if (at !== null) $("clock").dateTime = rfc3339(at);
  told();
}
