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

/** The present state as a list: came from, you are here, ways from here. */
function showState(call) {
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
