// The timeline: what is kept, its holes, the sessions' windows, the playhead; zoomed, dragged over, used by keys.

import { now } from "./api.js";
import { $, attribute, el, keyed, say } from "./dom.js";
import * as store from "./store.js";
import { draw as drawThumbs } from "./thumbs.js";
import { clock, dateAndClock, length, rfc3339 } from "./time.js";

const SHORTEST = 10_000, HOUR = 3600_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].map((s) => s * 1000);

let from = 0, to = 0; // what is in view
let follows = true;
let span = 10 * 60_000;
let selected = null; // [start, end] of what is to become a window
let playing = null;
let actions = { seek() {}, select() {}, edge() {}, open() {} };

export const selection = () => selected;
export const onDo = (given) => { actions = given; };

export function select(window) {
  selected = window;
  render();
}

export function setPlayhead(at) {
  playing = at;
  const head = $("playhead");
  head.hidden = at === null || at < from || at > to;
  if (head.hidden) return;
  head.style.left = `${place(at)}%`;
  attribute(head, "aria-valuemin", Math.round(from / 1000));
  attribute(head, "aria-valuemax", Math.round(to / 1000));
  attribute(head, "aria-valuenow", Math.round(at / 1000));
  attribute(head, "aria-valuetext", `${clock(at)} UTC`);
}

const place = (at) => ((at - from) / (to - from)) * 100;

function bounds() {
  const channel = store.channel();
  const end = channel?.end ?? now();
  const starts = Object.values(channel?.sessions ?? {}).flatMap((one) => one.windows.map((w) => w[0]));
  const ends = Object.values(channel?.sessions ?? {}).flatMap((one) => one.windows.map((w) => w[1] ?? 0));
  const live = ["STREAMING", "STARTING", "AWAITING_INPUT", "STREAMING_NO_INPUT"].includes(channel?.state);
  const first = channel?.start ?? Math.min(end - 60_000, ...starts);
  return [first, Math.max(end, live ? now() : end, ...ends.filter((one) => one < end + 24 * HOUR))];
}

export function fit() {
  const [first, last] = bounds();
  follows = false;
  look(first - (last - first) * 0.02, last + (last - first) * 0.02);
}

export function zoom(factor, around = null) {
  const middle = around ?? (follows ? to : playing !== null && playing > from && playing < to ? playing : (from + to) / 2);
  span = Math.min(Math.max((to - from) * factor, SHORTEST), 40 * 24 * HOUR);
  const share = (middle - from) / (to - from);
  look(middle - share * span, middle + (1 - share) * span);
}

export function follow(on) {
  follows = on;
  render();
}

export function showWhole(start, end) {
  follows = false;
  const room = Math.max((end - start) * 0.15, SHORTEST / 2);
  look(start - room, end + room);
}

function look(start, end) {
  [from, to] = [start, end];
  span = to - from;
  render();
}

export function render() {
  const channel = store.channel();
  if (!channel) return;
  if (follows || !to) {
    const live = channel.state?.startsWith("STREAM") || channel.state === "AWAITING_INPUT";
    const edge = live ? Math.max(channel.end ?? 0, now()) : channel.end ?? now();
    if (!to && channel.start) span = Math.min(Math.max(edge - channel.start, 60_000) * 1.05, HOUR);
    to = edge + span * 0.03;
    from = to - span;
  }
  attribute($("follow"), "aria-pressed", follows);
  say($("view"), `${dateAndClock(from)} to ${from + 24 * HOUR > to ? clock(to) : dateAndClock(to)} UTC, ${length(to - from)}`);
  ruler();
  kept(channel);
  bars(channel);
  const box = $("selection");
  box.hidden = !selected;
  if (selected) put(box, selected[0], selected[1] ?? to);
  setPlayhead(playing);
  drawThumbs($("strip"), store.channelId(), channel, from, to);
}

function ruler() {
  const width = $("timeline").clientWidth || 600;
  const step = STEPS.find((one) => (one / (to - from)) * width > 72) ?? 24 * HOUR;
  const ticks = new Map();
  for (let at = Math.ceil(from / step) * step; at < to; at += step) ticks.set(at, at);
  keyed($("ruler"), ticks, () => el("span"), (tick, at) => {
    tick.style.left = `${place(at)}%`;
    say(tick, at % (24 * HOUR) === 0 ? rfc3339(at).slice(5, 10) : clock(at).slice(0, step < 60_000 ? 8 : 5));
  });
}

function put(node, start, end) {
  const left = Math.max(-1, place(start)), right = Math.min(101, place(end));
  node.style.left = `${left}%`;
  node.style.width = `${Math.max(0, right - left)}%`;
}

const inView = (start, end) => end > from && start < to;

function kept(channel) {
  const items = new Map();
  for (const [number, [start, end, count]] of Object.entries(channel.ranges)) {
    if (inView(start, end)) items.set(`range ${number}`, { start, end, count });
  }
  for (const [number, [start, end, reason]] of Object.entries(channel.gaps)) {
    if (inView(start, end)) items.set(`gap ${number}`, { start, end, reason });
  }
  const width = $("timeline").clientWidth || 600;
  keyed($("media"), items, (_, { reason }) => (reason === undefined ? el("div", { className: "range" }) : gap()), (node, one) => {
    put(node, one.start, one.end);
    if (one.reason === undefined) {
      // One stripe a segment, as soon as they can be told apart; they are as good as equally long.
      const each = ((one.end - one.start) / one.count / (to - from)) * width;
      const whole = Math.max(place(one.start), -1) * width / 100 - place(one.start) * width / 100;
      node.style.backgroundSize = each > 5 ? `${each}px 100%` : "0 0";
      node.style.backgroundPosition = `${-whole}px 0`;
      attribute(node, "title", `${one.count} segments, ${length(one.end - one.start)}`);
    } else {
      node.text = `Gap of ${length(one.end - one.start)}, ${dateAndClock(one.start)} to ${clock(one.end)} UTC: ${one.reason}`;
      attribute(node, "aria-label", node.text);
      attribute(node, "title", node.text);
    }
  });
}

function gap() {
  const node = el("button", { type: "button", className: "gap" });
  const tell = () => say($("about"), node.text);
  for (const name of ["focus", "pointerenter", "click"]) node.addEventListener(name, tell);
  for (const name of ["blur", "pointerleave"]) node.addEventListener(name, () => say($("about"), ""));
  return node;
}

function bars(channel) {
  const items = new Map();
  for (const [id, session] of Object.entries(channel.sessions)) {
    const windows = session.windows.map(([start, end]) => [start, end ?? Math.max(channel.end ?? 0, now())]);
    if (windows.some(([start, end]) => inView(start, end))) items.set(id, { session, windows });
  }
  keyed($("bars"), items, lane, (row, { session, windows }, id) => {
    attribute(row, "data-state", session.state);
    const bar = new Map(windows.map((window, i) => [i, window]).filter(([, w]) => inView(...w)));
    keyed(row, bar, (i) => windowBar(id, i), (node, [start, end], i) => {
      put(node, start, end);
      const open = session.windows[i][1] === null;
      const label = `${id}: ${session.state}, ${dateAndClock(start)} to ${open ? "open" : clock(end)}`;
      say(node.firstChild, id);
      attribute(node.firstChild, "title", label);
      attribute(node.firstChild, "aria-label", label);
      for (const edge of node.querySelectorAll(".edge")) edgeNow(edge, start, end, channel);
    });
  });
}

const lane = (id) => el("div", { className: "lane", "data-session": id });

function windowBar(id, i) {
  const open = el("button", { type: "button", className: "window", onclick: () => actions.open(id) });
  return el("div", { className: "bar-box" }, open, edge(id, i, 0), edge(id, i, 1));
}

function edge(id, i, side) {
  const node = el("div", { className: `edge ${side ? "end" : "start"}`, role: "slider", tabIndex: 0 });
  node.which = { id, i, side };
  node.addEventListener("pointerdown", (event) => dragEdge(event, node));
  node.addEventListener("keydown", (event) => keyEdge(event, node));
  node.addEventListener("blur", () => forget(node));
  return node;
}

function edgeNow(node, start, end, channel) {
  node.at = node.which.side ? end : start;
  node.hidden = !channel.name || place(node.at) < -1 || place(node.at) > 101;
  const at = node.moved ?? node.at;
  attribute(node, "aria-label", `${node.which.side ? "End" : "Start"} of ${node.which.id}`);
  attribute(node, "aria-valuemin", Math.round((channel.start ?? start) / 1000));
  attribute(node, "aria-valuemax", Math.round(Math.max(now() + 24 * HOUR, end) / 1000));
  attribute(node, "aria-valuenow", Math.round(at / 1000));
  attribute(node, "aria-valuetext", `${dateAndClock(at)} UTC`);
  shift(node);
}

// An edge that is being moved stands apart from its bar until it is let go.
function shift(node) {
  const width = $("timeline").clientWidth;
  node.style.transform = node.moved === undefined ? "" : `translateX(${((node.moved - node.at) / (to - from)) * width}px)`;
  node.classList.toggle("moved", node.moved !== undefined);
}

function moveEdge(node, at) {
  node.moved = Math.round(at / 1000) * 1000;
  attribute(node, "aria-valuenow", Math.round(node.moved / 1000));
  attribute(node, "aria-valuetext", `${dateAndClock(node.moved)} UTC`);
  say($("about"), `${node.which.side ? "End" : "Start"} of ${node.which.id}: ${dateAndClock(node.moved)} UTC`);
  shift(node);
}

function forget(node) {
  if (node.moved === undefined) return;
  node.moved = undefined;
  say($("about"), "");
  shift(node);
}

function dropEdge(node) {
  const at = node.moved;
  forget(node);
  if (at !== undefined) actions.edge(node.which, at);
}

function dragEdge(event, node) {
  event.preventDefault();
  event.stopPropagation();
  node.setPointerCapture(event.pointerId);
  node.focus();
  const move = (moved) => moveEdge(node, timeAt(moved));
  const end = () => { node.removeEventListener("pointermove", move); dropEdge(node); };
  node.addEventListener("pointermove", move);
  node.addEventListener("pointerup", end, { once: true });
  node.addEventListener("pointercancel", () => { node.removeEventListener("pointermove", move); forget(node); }, { once: true });
}

function keyEdge(event, node) {
  const step = { ArrowLeft: -1000, ArrowDown: -1000, ArrowRight: 1000, ArrowUp: 1000, PageUp: 60_000, PageDown: -60_000 }[event.key];
  if (step) moveEdge(node, (node.moved ?? node.at) + step * (event.shiftKey ? 10 : 1));
  else if (event.key === "Enter") dropEdge(node);
  else if (event.key === "Escape") forget(node);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function timeAt(event) {
  const box = $("timeline").getBoundingClientRect();
  return from + ((event.clientX - box.left) / box.width) * (to - from);
}

export function wire() {
  const media = $("media");
  for (const area of [media, $("strip")]) area.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".gap") || event.button) return;
    area.setPointerCapture(event.pointerId);
    const began = timeAt(event), x = event.clientX;
    let dragged = false;
    const move = (moved) => {
      dragged ||= Math.abs(moved.clientX - x) > 4;
      if (dragged) { follows = false; select([began, timeAt(moved)].sort((a, b) => a - b)); }
    };
    const end = (last) => {
      area.removeEventListener("pointermove", move);
      if (last.type === "pointercancel") return;
      if (dragged) actions.select(selected); else actions.seek(timeAt(last));
    };
    area.addEventListener("pointermove", move);
    area.addEventListener("pointerup", end, { once: true });
    area.addEventListener("pointercancel", end, { once: true });
  });
  $("ruler").addEventListener("pointerdown", pan);
  $("timeline").addEventListener("wheel", wheel, { passive: false });
  $("playhead").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1000, ArrowRight: 1000 }[event.key];
    if (!step || playing === null) return;
    event.preventDefault();
    event.stopPropagation();
    actions.seek(playing + step * (event.shiftKey ? 10 : 1));
  });
  $("zoom-in").addEventListener("click", () => zoom(0.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("fit").addEventListener("click", fit);
  $("follow").addEventListener("click", () => follow(!follows));
  new ResizeObserver(render).observe($("timeline"));
  setInterval(() => { if (follows) render(); }, 1000);
}

function pan(event) {
  const ruler = $("ruler"), began = event.clientX, [start, end] = [from, to];
  ruler.setPointerCapture(event.pointerId);
  const move = (moved) => {
    const by = ((began - moved.clientX) / $("timeline").clientWidth) * (end - start);
    follows = false;
    look(start + by, end + by);
  };
  ruler.addEventListener("pointermove", move);
  ruler.addEventListener("pointerup", () => ruler.removeEventListener("pointermove", move), { once: true });
}

function wheel(event) {
  if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event));
  else if (event.deltaX || event.shiftKey) {
    const by = ((event.deltaX || event.deltaY) / $("timeline").clientWidth) * (to - from);
    follows = false;
    look(from + by, to + by);
  } else return; // the page scrolls
  event.preventDefault();
}
