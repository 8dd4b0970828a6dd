/** The layout: tabs on screens that are not wide, the theme, and the help. */

import { byId, element, icon } from "./elements.js";

const WIDE = window.matchMedia("(min-width: 1280px)");
const NARROW = window.matchMedia("(max-width: 719px)");
const TABS = [
  ["phone", "Phone", null],
  ["flow", "Flow", "panel-flow"],
  ["so-far", "So far", "panel-so-far"],
  ["world", "World", "panel-world"],
];

let chosen = "phone";
const tabs = byId("tabs");
const phone = document.querySelector(".phone");
const dock = document.querySelector(".dock");

export function startLayout() {
  phone.id = "panel-phone";
  for (const [name, says] of TABS)
    tabs.append(
      element(
        "button",
        { role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => openTab(name) },
        icon(name === "world" ? "mail" : name),
        element("span", {}, says),
      ),
    );
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const shown = [...tabs.children].filter((tab) => !tab.hidden);
    const at = shown.indexOf(document.activeElement);
    const next = shown[(at + step + shown.length) % shown.length];
    next.focus();
    next.click();
  });
  byId("chapter-bar").addEventListener("click", () => openTab("flow"));
  WIDE.addEventListener("change", arrange);
  NARROW.addEventListener("change", arrange);
  startTheme();
  byId("help").addEventListener("click", () => byId("help-sheet").showModal());
  byId("help-close").addEventListener("click", () => byId("help-sheet").close());
  arrange();
}

/** Opens a tab's panel. */
export function openTab(name) {
  chosen = name;
  byId(`tab-${name}`).classList.remove("new");
  arrange();
  if (name === "so-far") byId("so-far").lastElementChild?.scrollIntoView({ block: "nearest" });
}

/** Shows as much as fits: everything, the telephone and one panel, or one panel. */
function arrange() {
  const wide = WIDE.matches;
  const narrow = NARROW.matches;
  if (!wide && !narrow && chosen === "phone") chosen = "flow";
  document.body.dataset.tab = chosen;
  tabs.hidden = wide;
  for (const [name] of TABS) {
    const panel = byId(`panel-${name}`);
    const tab = byId(`tab-${name}`);
    const alone = name === "phone" && !narrow;
    tab.hidden = alone;
    tab.setAttribute("aria-selected", String(chosen === name));
    tab.tabIndex = chosen === name ? 0 : -1;
    panel.hidden = !wide && !alone && chosen !== name;
    if (wide || alone) panel.removeAttribute("role");
    else panel.setAttribute("role", "tabpanel");
  }
  dock.hidden = narrow && chosen !== "world";
}

function startTheme() {
  const button = byId("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const use = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  };
  const kept = localStorage.getItem("simulator-theme");
  use(kept ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => {
    if (localStorage.getItem("simulator-theme") === null) use(dark.matches ? "dark" : "light");
  });
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("simulator-theme", theme);
    use(theme);
  });
}
