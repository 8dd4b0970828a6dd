/** The connection to the simulator: what it shows comes as events, what is done is posted. */

let tab = null;
let posting = Promise.resolve();

const headers = { "Content-Type": "application/json" };

/**
 * Opens a simulation; `show` gets each view, `lost` whether the simulator has gone, and the
 * command that starts it again.
 */
export async function connect(show, lost) {
  const opened = await (await fetch("/tabs", { method: "POST" })).json();
  tab = opened.tab;
  const events = new EventSource(path("events"));
  let silent = null;
  const alive = () => {
    clearTimeout(silent);
    silent = null;
    lost(false, opened.command);
  };
  events.onopen = alive;
  events.onmessage = (event) => {
    alive();
    show(JSON.parse(event.data));
  };
  events.onerror = () => {
    silent ??= setTimeout(() => lost(true, opened.command), 2000);
  };
}

/** The address of something of this tab. */
export const path = (of) => `/tabs/${tab}/${of}`;

/** Does something, after what was done before; gives the problem, or nothing. */
export function act(what, about = {}) {
  const post = async () => {
    try {
      const body = JSON.stringify(about);
      const reply = await fetch(path(what), { method: "POST", headers, body });
      return reply.ok ? "" : (await reply.json()).problem;
    } catch {
      return "The simulator does not answer.";
    }
  };
  posting = posting.then(post);
  return posting;
}
