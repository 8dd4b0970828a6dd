/** The Flow panel: the chapters, and the current state with the paths to it and from it. */

import { faultInWords } from "./dock.js";
import { byId, element } from "./elements.js";
import { path } from "./line.js";
import { showOverview, startOverview } from "./overview.js";

let asList = matchMedia("(max-width: 719px)").matches;
let looked = null;
let last = null;

export function startFlow() {
  startOverview((chapter) => look(chapter === last?.call.state.picture ? null : chapter));
  byId("as-list").addEventListener("click", () => {
    asList = !asList;
    look(null);
  });
  byId("to-the-call").addEventListener("click", () => look(null));
}

/** Shows a chapter other than the current one. With null, it follows the call again. */
function look(chapter) {
  looked = chapter;
  if (last) showFlow(last);
}

export function showFlow(view) {
  const call = view.call;
  last = call ? view : null;
  if (!call) looked = null;
  const chapters = call?.flow.chapters ?? [];
  const shown = chapters.find((one) => one.code === (looked ?? call.state.picture));
  showOverview(call, looked);
  byId("chapter-title").textContent = shown?.title ?? "Chapter";
  byId("you-are-at").textContent = call ? `You are at “${call.state.title}”` : "";
  byId("to-the-call").hidden = !looked;
  const off = shown?.off ?? 0;
  byId("off").hidden = !off;
  byId("off").textContent = `· ${off === 1 ? "1 path is" : `${off} paths are`} off in this policy`;
  const dots = chapters.map((one) => element("i", { class: one.state.replace(" ", "-") }));
  byId("chapter-dots").replaceChildren(...dots);
  byId("chapter-name").textContent = call ? call.state.chapter : "Flow";
  showTrouble(view);
  showState(call);
}

/** Shows which request the call is waiting for, and which fault is on. */
function showTrouble({ call, faults }) {
  const box = byId("trouble");
  const asked = call?.waiting;
  const fails = asked ? asked.fault : faults.service !== "works";
  box.hidden = !call || call.ended || !(asked || fails);
  box.classList.toggle("fails", fails);
  box.lastElementChild.textContent = [
    asked ? `Waiting for the billing service: ${asked.asks}` : "",
    faults.service === "works" ? "" : `Billing service: ${faultInWords("service", faults)}`,
  ].filter(Boolean).join(" · ");
}

const drawings = new Map();

/** Shows the current state, highlighted in the picture of its chapter or as a list. */
function showState(call) {
  const button = byId("as-list");
  button.hidden = !call;
  button.setAttribute("aria-pressed", String(asList && !looked));
  if (call && (looked || !asList)) drawState(call, looked ?? call.state.picture);
  else listState(call);
}

/** Shows the picture of a chapter, with the call's path highlighted and the current state in view. */
async function drawState(call, picture) {
  const box = byId("chapter");
  const { code, title } = call.state;
  const name = `${picture} ${call.flow.pictures}`;
  if (!drawings.has(name)) {
    if (!looked) listState(call);
    const drawn = await drawing(picture);
    if (drawn) drawings.set(name, drawn);
    if (drawn && call === last?.call) showState(call);
    return;
  }
  const hit = hitState(call);
  const { way, travel } = call.flow;
  const taken = [...call.flow.steps, ...travel, [travel.at(-1)?.[0], code]].map((step) => step.join(" "));
  const key = JSON.stringify([name, code, way, hit]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const svg = drawings.get(name);
  svg.setAttribute("aria-label", `The chapter “${byId("chapter-title").textContent}”. You are at “${title}”.`);
  for (const old of svg.querySelectorAll(".at, .been, .hit")) old.classList.remove("at", "been", "hit");
  const cardOf = (one) => svg.querySelector(`[data-state="${one}"], .ending[id="${one}"]`);
  for (const one of way) cardOf(one)?.classList.add("been");
  cardOf(hit)?.classList.add("hit");
  const card = cardOf(code);
  card?.classList.remove("been");
  card?.classList.add("at");
  for (const line of svg.querySelectorAll("path[data-from]"))
    line.classList.toggle("took", taken.includes(`${line.dataset.from} ${line.dataset.to}`));
  box.replaceChildren(svg);
  if (!card) return;
  const [seen, there] = [box.getBoundingClientRect(), card.getBoundingClientRect()];
  const middle = there.x + there.width / 2 - seen.x - seen.width / 2;
  box.scrollBy(there.width > seen.width ? there.x - seen.x - 8 : middle, there.y - seen.y - 24);
}

/** Returns a picture from the server, or null if there is none. */
async function drawing(name) {
  const response = await fetch(path(`pictures/${name}`)).catch(() => null);
  if (!response?.ok) return null;
  const text = await response.text();
  const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  svg.setAttribute("role", "img");
  return svg;
}

/** Shows the state as a list: where the call came from, where it is, and where it can go. */
function listState(call) {
  const box = byId("chapter");
  const hit = call ? hitState(call) : "";
  const key = call ? JSON.stringify([call.state, call.flow.from, call.flow.ways, hit]) : "";
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!call) {
    const empty = "Where the call is, and where it can go next, will appear here.";
    box.replaceChildren(element("p", { class: "empty" }, empty));
    return;
  }
  const { state, flow } = call;
  const here = hit === state.code ? " hit" : "";
  const before = hit && !here ? " hit" : "";
  const ways = flow.ways.map((way) =>
    element("li", {}, element("span", { class: "when" }, way.when), element("span", { class: "to" }, way.to)),
  );
  box.replaceChildren(
    ...(flow.from
      ? [element("h3", {}, "Came from"), element("p", { class: `state passed${before}` }, flow.from)]
      : []),
    element("h3", {}, "You are here"),
    element(
      "div",
      { class: `state here ${state.kind.toLowerCase()}${here}`, "aria-current": "step" },
      element("strong", {}, state.title),
      element("span", {}, `${state.kind}. ${state.purpose}`),
    ),
    ...(ways.length
      ? [element("h3", {}, "Where it can go"), element("ul", { class: "ways" }, ...ways)]
      : []),
  );
  box.scrollTop = 0;
}

/** Returns the state where a fault is occurring, or occurred since the last keys; "" if none. */
function hitState(call) {
  if (call.waiting?.fault) return call.state.code;
  const keyed = call.entries.map((entry) => entry.kind === "keys").lastIndexOf(true);
  const failed = call.entries.slice(keyed + 1).some((entry) => entry.kind === "fault");
  return failed ? call.flow.way.at(-1) : "";
}
