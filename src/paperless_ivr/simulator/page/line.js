/** The connection to the simulator: views arrive as events, and actions are posted. */

let tab = null;
let posting = Promise.resolve();

const headers = { "Content-Type": "application/json" };

/**
 * Opens a simulation. `show` gets each view; `lost` gets whether the connection is lost, and the
 * command that restarts the simulator.
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

/** Returns the address of one of this tab's resources. */
export const path = (of) => `/tabs/${tab}/${of}`;

/** Posts an action after those that are pending. Returns the problem, or an empty string. */
export function act(what, about = {}) {
  const post = async () => {
    try {
      const body = JSON.stringify(about);
      const reply = await fetch(path(what), { method: "POST", headers, body });
      return reply.ok ? "" : (await reply.json()).problem;
    } catch {
      return "The simulator is not responding.";
    }
  };
  posting = posting.then(post);
  return posting;
}
