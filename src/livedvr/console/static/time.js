// UTC milliseconds, and how people read and write them.

export const rfc3339 = (ms) => new Date(ms).toISOString();
export const clock = (ms) => rfc3339(ms).slice(11, 19);
export const clockFine = (ms) => rfc3339(ms).slice(11, 21);
export const dateAndClock = (ms) => `${rfc3339(ms).slice(0, 10)} ${clock(ms)}`;

export function length(ms) {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (bytes >= 1000 && i < units.length - 1) { bytes /= 1000; i += 1; }
  return `${bytes.toFixed(i ? 1 : 0)} ${units[i]}`;
}

// RFC 3339, "2026-11-21 14:05:00" (UTC), or "14:05:00" of the day of `near`. NaN: it is none of these.
export function parse(text, near) {
  const trimmed = text.trim();
  const time = /^(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?$/.exec(trimmed);
  if (time) {
    const day = Date.parse(`${rfc3339(near).slice(0, 10)}T00:00:00Z`);
    return day + (Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3] ?? 0)) * 1000;
  }
  const zoned = /(z|[+-]\d\d:\d\d)$/i.test(trimmed);
  return Date.parse(zoned ? trimmed : `${trimmed.replace(" ", "T")}Z`);
}
