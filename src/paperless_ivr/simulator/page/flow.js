/** Where the call is: the chapters, and the present state with the ways to it and from it. */

import { byId, element, show } from "./elements.js";

export function showFlow(view) {
  const call = view.call;
  const chapters = call?.flow.chapters ?? [];
  show(byId("overview"), chapters.length ? chapters : [{ title: "" }], chapterElement);
  byId("chapter-title").textContent = call ? call.state.chapter : "Chapter";
  byId("you-are-at").textContent = call ? `You are at “${call.state.title}”` : "";
  const dots = chapters.map((one) => element("i", { class: one.state.replace(" ", "-") }));
  byId("chapter-dots").replaceChildren(...dots);
  byId("chapter-name").textContent = call ? call.state.chapter : "Flow";
  showState(call);
}

function chapterElement(chapter) {
  if (!chapter.title)
    return element("li", { class: "empty" }, "The chapters of the call will light up here.");
  const current = chapter.state === "current";
  return element(
    "li",
    { class: chapter.state.replace(" ", "-"), "aria-current": current ? "step" : null },
    chapter.title,
    element("span", { class: "away" }, `, ${chapter.state}`),
  );
}

const drawings = new Map();
let asList = matchMedia("(max-width: 719px)").matches;
let last = null;

byId("as-list").addEventListener("click", () => {
  asList = !asList;
  showState(last);
});

/** The present state: lit in the picture of its chapter, or as a list. */
function showState(call) {
  last = call;
  const button = byId("as-list");
  button.hidden = !call;
  button.setAttribute("aria-pressed", String(asList));
  if (call && !asList) drawState(call);
  else listState(call);
}

/** The picture of the chapter: where the call has been, and where it is, lit and in sight. */
async function drawState(call) {
  const box = byId("chapter");
  const { picture, code, title } = call.state;
  if (!drawings.has(picture)) {
    listState(call);
    const drawn = await drawing(picture);
    if (drawn) drawings.set(picture, drawn);
    if (drawn && call === last && !asList) drawState(call);
    return;
  }
  const { way } = call.flow;
  const failed = failedSinceKey(call.entries) ? way.at(-1) : "";
  const key = JSON.stringify([code, way, failed]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const svg = drawings.get(picture);
  svg.setAttribute("aria-label", `The chapter “${call.state.chapter}”. You are at “${title}”.`);
  for (const old of svg.querySelectorAll(".at, .been, .hit")) old.classList.remove("at", "been", "hit");
  const cardOf = (one) => svg.querySelector(`[data-state="${one}"], .ending[id="${one}"]`);
  for (const one of way) cardOf(one)?.classList.add("been");
  cardOf(failed)?.classList.add("hit");
  const card = cardOf(code);
  card?.classList.add("at");
  box.replaceChildren(svg);
  if (!card) return;
  const [seen, there] = [box.getBoundingClientRect(), card.getBoundingClientRect()];
  box.scrollBy(there.x + there.width / 2 - seen.x - seen.width / 2, there.y - seen.y - 24);
}

/** A picture from the server; null where it cannot be had. */
async function drawing(name) {
  const response = await fetch(`/pictures/${name}`).catch(() => null);
  if (!response?.ok) return null;
  const text = await response.text();
  const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  svg.setAttribute("role", "img");
  return svg;
}

/** As a list: came from, you are here, ways from here. */
function listState(call) {
  const box = byId("chapter");
  const hit = Boolean(call) && failedSinceKey(call.entries);
  const key = call ? JSON.stringify([call.state, call.flow.from, call.flow.ways, hit]) : "";
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!call) {
    const empty = "The state of the call will stand here, with its ways on.";
    box.replaceChildren(element("p", { class: "empty" }, empty));
    return;
  }
  const { state, flow } = call;
  const ways = flow.ways.map((way) =>
    element("li", {}, element("span", { class: "when" }, way.when), element("span", { class: "to" }, way.to)),
  );
  box.replaceChildren(
    ...(flow.from
      ? [element("h3", {}, "Came from"), element("p", { class: hit ? "state passed hit" : "state passed" }, flow.from)]
      : []),
    element("h3", {}, "You are here"),
    element(
      "div",
      { class: `state here ${state.kind.toLowerCase()}`, "aria-current": "step" },
      element("strong", {}, state.title),
      element("span", {}, `${state.kind}. ${state.purpose}`),
    ),
    ...(ways.length
      ? [element("h3", {}, "Ways from here"), element("ul", { class: "ways" }, ...ways)]
      : []),
  );
  box.scrollTop = 0;
}

/** Whether a fault hit the call since the caller did something. */
function failedSinceKey(entries) {
  const keyed = entries.map((entry) => entry.kind === "keys").lastIndexOf(true);
  return entries.slice(keyed + 1).some((entry) => entry.kind === "fault");
}
