// The server: JSON with the user's token, its refusals as they are, and its events.

const KEY = "livedvr-token";
let asking = null;
let skew = 0; // milliseconds by which the server's clock is ahead

export const token = () => sessionStorage.getItem(KEY) ?? "";
export const headers = () => (token() ? { authorization: `Bearer ${token()}` } : {});
export const now = () => Date.now() + skew;

export class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

export function onToken(ask) { asking = ask; }

async function fetched(path, given = {}) {
  for (;;) {
    const answer = await fetch(path, { ...given, headers: { ...given.headers, ...headers() } });
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Math.abs(date - Date.now()) > 2000) skew = date - Date.now();
    if (answer.ok) return answer;
    const { message } = (await answer.json().catch(() => ({}))).error ?? {};
    // 403 is also what a token of the wrong scope gets; asking again helps only where reading was refused.
    if (answer.status === 403 && (given.method ?? "GET") === "GET" && asking) {
      sessionStorage.setItem(KEY, await asking(message ?? ""));
      continue;
    }
    throw new Refused(answer.status, message ?? `${answer.status} ${answer.statusText}`);
  }
}

export async function ask(method, path, body) {
  const given = { method };
  if (body !== undefined) Object.assign(given, { body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  return (await fetched(path, given)).json();
}

export const text = async (path) => (await fetched(path)).text();
export const blob = async (path, signal) => (await fetched(path, { signal })).blob();

// Server-sent events by fetch, as EventSource cannot send a token. Goes on for ever; `status` is told how it stands.
export async function listen(path, on, status) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      const answer = await fetched(path);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const one of events) {
          const kind = /^event: (.*)$/m.exec(one), data = /^data: (.*)$/m.exec(one);
          if (kind && data) { on(kind[1], JSON.parse(data[1])); status("connected"); wait = 500; }
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Refused)) throw error; // the network, the server
    }
    status("not connected, trying again …");
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
