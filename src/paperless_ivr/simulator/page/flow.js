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

/** The picture of the chapter, with the present state lit and in sight. */
async function drawState(call) {
  const box = byId("chapter");
  const { picture, code, title } = call.state;
  const hit = failedSinceKey(call.entries);
  const key = JSON.stringify([code, hit]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!drawings.has(picture)) drawings.set(picture, await drawing(picture));
  if (box.dataset.key !== key) return;
  const svg = drawings.get(picture);
  svg.setAttribute("aria-label", `The chapter “${call.state.chapter}”. You are at “${title}”.`);
  for (const old of svg.querySelectorAll(".at")) old.classList.remove("at", "hit");
  const card = svg.querySelector(`[data-state="${code}"], .ending[id="${code}"]`);
  card?.classList.add("at", ...(hit ? ["hit"] : []));
  box.replaceChildren(svg);
  if (!card) return;
  const [seen, there] = [box.getBoundingClientRect(), card.getBoundingClientRect()];
  box.scrollBy(there.x + there.width / 2 - seen.x - seen.width / 2, there.y - seen.y - 24);
}

async function drawing(name) {
  const text = await (await fetch(`/pictures/${name}`)).text();
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
