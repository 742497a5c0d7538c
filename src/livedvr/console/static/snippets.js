// What is on screen, for other programs: the manifest's address, curl, Python.

import { token } from "./api.js";
import { $, copyButton, el, keyed, say } from "./dom.js";
import * as player from "./player.js";
import * as store from "./store.js";

export function render() {
  const shown = player.shown();
  const rows = new Map();
  const { name } = store.channel() ?? {};
  if (shown) {
    rows.set("Manifest", shown.url);
    rows.set("curl", `curl ${token() ? '-H "authorization: Bearer $TOKEN" ' : ""}${quoted(shown.url)}`);
    rows.set("Python", name ? python(shown, name) : plainPython(shown));
  }
  $("use").hidden = !shown;
  keyed($("snippets"), rows, (title) => {
    const code = el("code"), item = el("div", { className: "snippet" });
    item.append(el("h3", {}, title), copyButton(title, () => code.textContent), el("pre", { tabIndex: 0, role: "region", "aria-label": title }, code));
    item.code = code;
    return item;
  }, (item, text) => say(item.code, text));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function python(shown, name) {
  const session = shown.kind === "session";
  const [from, credentials] = token()
    ? ["google.oauth2.credentials import Credentials", "Credentials(TOKEN)"]
    : ["google.auth.credentials import AnonymousCredentials", "AnonymousCredentials()"];
  return `from ${from}
from google.cloud.video.live_stream_v1 import LivestreamServiceClient

client = LivestreamServiceClient(credentials=${credentials}, transport="rest",
    client_options={"api_endpoint": ${JSON.stringify(location.origin)}})
${session ? "session = client.get_dvr_session(" : "channel = client.get_channel("}
    name=${JSON.stringify(session ? `${name}/dvrSessions/${shown.id}` : name)})
print(${session ? "session.state.name, session.dvr_windows" : "channel.streaming_state.name"})`;
}

const plainPython = (shown) => `from urllib.request import urlopen

print(urlopen(${JSON.stringify(shown.url)}).read().decode())`;
