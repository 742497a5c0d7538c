// What the server says, kept up to date by its changes (JSON Merge Patch, RFC 7386), and what the user looks at.

let state = { channels: {} };
let chosen = null;
const listeners = [];

export const channels = () => state.channels;
export const channel = () => state.channels[chosen];
export const channelId = () => chosen;
export const onChange = (listener) => listeners.push(listener);

export function choose(id) {
  chosen = id;
  tell();
}

export function take(kind, data) {
  state = kind === "state" ? data : patched(state, data);
  if (!(chosen in state.channels)) chosen = Object.keys(state.channels).sort()[0] ?? null;
  tell();
}

function tell() { for (const listener of listeners) listener(); }

export function patched(old, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const next = old !== null && typeof old === "object" && !Array.isArray(old) ? { ...old } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key];
    else next[key] = patched(next[key], value);
  }
  return next;
}
