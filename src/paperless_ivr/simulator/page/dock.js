/** The dock: the turns to rewind to, the takes, and the fault switches. */

import { announce, byId, choose, clock, element, show } from "./elements.js";
import { act } from "./line.js";

let view = null;

export function startDock() {
  const list = byId("timeline");
  new ResizeObserver(() => (list.scrollLeft = list.scrollWidth)).observe(list);
  byId("dock-back").addEventListener("click", backOne);
  byId("back-one").addEventListener("click", backOne);
  byId("takes").addEventListener("change", (event) =>
    act("take", { number: Number(event.target.value) }),
  );
  for (const what of ["service", "record", "key"])
    byId(`fault-${what}`).addEventListener("change", (event) =>
      act("fault", { [what]: event.target.value }),
    );
  byId("normal").addEventListener("click", () =>
    act("fault", { service: "works", record: "works", key: "once" }),
  );
}

/** Goes back one turn, to the last answered question. */
export function backOne() {
  const call = view?.call;
  if (!call?.stops.length) return;
  const waits = call.speech?.current && call.speech.waits !== "answer" && !call.ended;
  const stop = call.stops.length - (waits ? 2 : 1);
  if (stop >= 0) rewindTo(stop);
}

/** Goes to the end of the most recent other take. */
export function forward() {
  const others = (view?.call?.takes ?? []).filter((take) => take.number !== view.call.take);
  if (others.length) act("take", { number: others.at(-1).number });
}

async function rewindTo(stop) {
  const { stops } = view.call;
  await act("rewind", { stop });
  announce("status", `Rewound to ${stops[stop].title}, turn ${stop + 1} of ${stops.length}`);
}

export function showDock(now) {
  view = now;
  const call = view.call;
  const stops = (call?.stops ?? []).map((stop, at, all) => ({
    ...stop,
    current: at === all.length - 1 && !call.ended,
  }));
  const list = byId("timeline");
  const before = list.children.length;
  show(list, stops, (stop, at) =>
    element(
      "li",
      { class: stop.current ? "current" : "" },
      element(
        "button",
        {
          "aria-current": stop.current ? "step" : null,
          "aria-label": `${stop.title}, ${clock(stop.at)}`,
          onclick: () => rewindTo(at),
        },
        element("i", { "aria-hidden": "true" }),
        element("span", {}, stop.title),
      ),
    ),
  );
  if (list.children.length !== before) list.scrollLeft = list.scrollWidth;
  byId("dock-back").disabled = byId("back-one").disabled = !stops.length;
  const takes = call?.takes ?? [];
  byId("takes-label").hidden = takes.length < 2;
  const named = takes.map((take) => [String(take.number), `Take ${take.number} · ${take.ending}`]);
  choose(byId("takes"), named, String(call?.take ?? ""));
  document.body.classList.toggle("later-take", (call?.take ?? 1) > 1);
  showFaults(view.faults);
}

/** Returns the name of a fault, as on its switch but in lowercase. */
export const faultInWords = (what, faults) =>
  byId(`fault-${what}`).querySelector(`[value="${faults[what]}"]`).textContent.toLowerCase();

function showFaults(faults) {
  const normal = { service: "works", record: "works", key: "once" };
  for (const [what, value] of Object.entries(faults)) {
    const select = byId(`fault-${what}`);
    select.value = value;
    select.parentElement.classList.toggle("on", value !== normal[what]);
  }
  byId("normal").hidden = Object.entries(faults).every(([what, is]) => normal[what] === is);
}
