/** The page: each part shows the simulator's view, and posts the user's actions. */

import { backOne, forward, showDock, startDock } from "./dock.js";
import { announce, byId, choose, element, setIcon } from "./elements.js";
import { showFlow, startFlow } from "./flow.js";
import { startLayout } from "./layout.js";
import { act, connect } from "./line.js";
import { showPanels, startPanels } from "./panels.js";
import { callNow, hangUp, pause, press, showPhone, skip, startPhone, staySilent } from "./phone.js";
import { hideAll, reveal } from "./reveal.js";

const TRIES = {
  enroll: [{ caller: "rivera", moment: "before_payment" }, {}],
  spell: [{ caller: "chen", moment: "before_payment" }, {}],
  down: [{ caller: "rivera", moment: "before_payment" }, { service: "down" }],
};

let view = null;
let ended = false;

function show(now) {
  view = now;
  document.body.dataset.version = String(view.version);
  document.body.classList.toggle("called", Boolean(view.call && !view.call.ended));
  showScenario();
  showPhone(view);
  showFlow(view);
  showPanels(view);
  showDock(view);
  const over = Boolean(view.call?.ended);
  if (over && !ended) announce("alert", `The call has ended: ${view.call.ended.title}.`);
  ended = over;
}

function showScenario() {
  const { scenario, choices, policy } = view;
  for (const name of ["caller", "policy", "moment", "language"])
    choose(byId(name), choices[name], scenario[name]);
  byId("person").checked = scenario.person;
  byId("scenario-changed").hidden = !view.changed || !view.call || Boolean(view.call.ended);
  byId("policy-state").textContent = policyInWords(policy);
  byId("policy-state").classList.toggle("amber", policy.problems.length > 0);
  const problems = byId("problems");
  const text = policy.problems.join("\n");
  if (text && problems.textContent !== text) announce("alert", "The policy cannot be used.");
  problems.hidden = !text;
  problems.textContent = text;
  byId("reveal-state").textContent = view.revealed ? "Personal data shown" : "Personal data hidden";
  setIcon(byId("reveal"), view.revealed ? "eye" : "eye-off");
  byId("reveal").disabled = !view.may_reveal;
  byId("reveal").setAttribute("aria-pressed", String(view.revealed));
}

function policyInWords(policy) {
  const count = policy.problems.length;
  if (count) {
    const problems = count === 1 ? "1 problem" : `${count} problems`;
    return `${problems}. Calls still use version ${policy.version}`;
  }
  return policy.edited ? "Edited. The next call uses it." : `Policy ${policy.name}`;
}

async function tryOne(name) {
  const [scenario, fault] = TRIES[name];
  await act("scenario", { ...scenario, language: "en-US" });
  await act("fault", { service: "works", ...fault });
  await callNow();
}

function lost(gone, command) {
  const was = document.body.classList.contains("stopped");
  document.body.classList.toggle("stopped", gone);
  if (!gone || was) return;
  const box = byId("problems");
  box.hidden = false;
  const says = "The simulator stopped. Start it again with:";
  const again = element("button", { class: "quiet", onclick: () => location.reload() }, "Reconnect");
  box.replaceChildren(says, " ", element("code", {}, command), " ", again);
  announce("alert", `${says} ${command}`);
}

const LETTERS = {
  c: callNow,
  h: hangUp,
  s: staySilent,
  p: pause,
  j: skip,
  v: () => reveal(!view?.revealed),
  "[": backOne,
  "]": forward,
  "?": () => byId("help-sheet").showModal(),
};

function typed(event) {
  const field = event.target.closest?.("input, select, textarea, dialog");
  if (field || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!byId("shortcuts").checked) return;
  const key = event.code === "NumpadEnter" ? "#" : event.key;
  const does = "0123456789*#".includes(key) ? () => press(key) : LETTERS[key.toLowerCase()];
  if (!does || key.length !== 1) return;
  event.preventDefault();
  if (!event.repeat) does();
}

startPhone();
startFlow();
startPanels();
startDock();
startLayout();
document.addEventListener("keydown", typed);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hideAll();
});
byId("reveal").addEventListener("click", () => reveal(!view?.revealed));
for (const name of ["caller", "policy", "moment", "language"])
  byId(name).addEventListener("change", (event) => act("scenario", { [name]: event.target.value }));
byId("person").addEventListener("change", (event) =>
  act("scenario", { person: event.target.checked }),
);
byId("call-now").addEventListener("click", callNow);
for (const button of document.querySelectorAll("[data-try]"))
  button.addEventListener("click", () => tryOne(button.dataset.try));
await connect(show, lost);
