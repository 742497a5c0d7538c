// From positions in a player to the stream's own time: a media playlist's EXT-X-PROGRAM-DATE-TIME (RFC 8216bis 4.4.4.6).

import { text } from "./api.js";

// [{t, d, utc, break}]: each segment's place from the playlist's start and its length, seconds; its UTC milliseconds.
export function segments(playlist) {
  const found = [];
  let at = 0, utc = null, duration = 0, broken = false;
  for (const line of playlist.split("\n")) {
    if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) utc = Date.parse(line.slice(25));
    else if (line.startsWith("#EXTINF:")) duration = parseFloat(line.slice(8));
    else if (line.startsWith("#EXT-X-DISCONTINUITY") && line.length < 22) broken = true;
    else if (line && !line.startsWith("#")) {
      found.push({ t: at, d: duration, utc, broken });
      at += duration;
      if (utc !== null) utc += duration * 1000;
      broken = false;
    }
  }
  return found;
}

// The segments of a multivariant playlist's first variant, and whether it has ended.
export async function dated(url) {
  const main = await text(url);
  const first = main.split("\n").find((line) => line && !line.startsWith("#"));
  const media = first && main.includes("#EXT-X-STREAM-INF") ? await text(new URL(first, url).href) : main;
  return { list: segments(media), ended: media.includes("#EXT-X-ENDLIST") };
}

const last = (list, before) => {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(list[middle])) low = middle + 1; else high = middle;
  }
  return low - 1;
};

export function toUtc(list, seconds) {
  const one = list[Math.max(0, last(list, (s) => s.t <= seconds))];
  return one && one.utc !== null ? one.utc + (seconds - one.t) * 1000 : null;
}

// Where a UTC time is; in a hole the segment behind it; null: before all.
export function toPosition(list, utc) {
  const i = last(list, (s) => s.utc <= utc);
  if (i < 0) return null;
  const inside = (utc - list[i].utc) / 1000;
  if (inside <= list[i].d) return list[i].t + inside;
  return i + 1 < list.length ? list[i + 1].t : list[i].t + list[i].d;
}
