// Pictures along the timeline: sprites of ten, one asked for at a time; and each channel's newest.

import { blob, Refused } from "./api.js";

const TILES = 10, STEPS = [2, 5, 10, 30, 60, 300, 1800].map((s) => s * 1000), AGAIN = 15_000, LIVE_EACH = 10_000;
const WIDTH = 160, HEIGHT = 90, MOST = 100;
const sprites = new Map(); // "channel/step/index" -> {image, at, whole}
let wanted = [];
let fetching = false;
let redraw = () => {};

// Into the canvas what there is of [from, to); what is missing is asked for and drawn when it has come.
export function draw(canvas, id, channel, from, to) {
  const width = canvas.parentElement.clientWidth;
  canvas.hidden = channel.start === undefined || !channel.health || !width;
  if (canvas.hidden) return;
  if (canvas.width !== width) canvas.width = width;
  const paper = canvas.getContext("2d");
  paper.clearRect(0, 0, width, canvas.height);
  const step = STEPS.find((one) => (one / (to - from)) * width >= 60) ?? STEPS.at(-1);
  const each = (step / (to - from)) * width, tall = canvas.height, wide = Math.min(each, (tall / HEIGHT) * WIDTH);
  wanted = [];
  redraw = () => draw(canvas, id, channel, from, to);
  const begin = Math.max(from - step, channel.start - step), end = Math.min(to, channel.end);
  for (let at = Math.floor(begin / step) * step; at < end; at += step) {
    const sprite = need(id, step, Math.floor(at / (step * TILES)), channel);
    if (!sprite?.image || at >= sprite.end || !kept(channel, at)) continue;
    const tile = (at / step) % TILES, x = ((at - from) / (to - from)) * width;
    const part = Math.min(WIDTH, (wide / tall) * HEIGHT);
    paper.drawImage(sprite.image, tile * WIDTH + (WIDTH - part) / 2, 0, part, HEIGHT, x, 0, wide - 1, tall);
  }
  next();
}

const kept = (channel, at) => Object.values(channel.ranges).some(([start, end]) => start <= at && at < end);

function need(id, step, index, channel) {
  const key = `${id}/${step / 1000}/${index}`, have = sprites.get(key);
  const stale = !have || (!have.whole && Date.now() - have.at > AGAIN && channel.end > (have.end ?? 0));
  if (stale && (index + 1) * TILES * step > channel.start && !wanted.some((one) => one.key === key)) {
    wanted.push({ key, end: channel.end, whole: (index + 1) * TILES * step <= channel.end - 30_000 });
  }
  return have;
}

async function next() {
  if (fetching || !wanted.length) return;
  fetching = true;
  const { key, end, whole } = wanted.shift();
  sprites.set(key, { ...sprites.get(key), at: Date.now(), whole });
  try {
    const image = await createImageBitmap(await blob(`thumbs/${key}.jpg`));
    Object.assign(sprites.get(key), { image, end });
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) throw error;
    sprites.get(key).whole = false; // asked for again later
  } finally { fetching = false; }
  if (sprites.size > MOST) sprites.delete(sprites.keys().next().value);
  redraw();
}

// A channel's newest picture, when there is a newer one, and not too often.
export async function live(image, id, channel) {
  const at = Date.now();
  if (channel.end === undefined || !channel.health || !channel.media?.some((one) => one.includes("video")) || image.end === channel.end || at - (image.at ?? 0) < LIVE_EACH) return;
  Object.assign(image, { at, end: channel.end });
  try {
    const url = URL.createObjectURL(await blob(`thumbs/${encodeURIComponent(id)}/live.jpg`));
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof TypeError)) throw error;
  }
}
