// @ts-check
// Starts the page and joins its parts. The decision shown always answers the newest request.

import { startAccess } from "./lib/access.js";
import { startAsk } from "./decide/ask.js";
import { startConfigs } from "./lib/configs.js";
import { byId } from "./lib/dom.js";
import { startExamples } from "./decide/examples.js";
import { startViews } from "./lib/views.js";
import { startWaiting } from "./lib/waiting.js";

const section = byId("decision-section");
const place = byId("decision");
const wait = byId("decision-wait");
const status = byId("decision-status");
let stopWaiting = () => {};
/** @type {import("./lib/api.js").Config[]} */
let configs = [];
/** @type {ReturnType<typeof import("./history/history.js").startHistory> | null} */
let history = null;

/** @param {(() => void) | null} cancel */
function setWaiting(cancel) {
  stopWaiting();
  place.setAttribute("aria-busy", String(cancel !== null));
  const hasOlder = place.querySelector("article") !== null;
  const text = hasOlder ? "Deciding. The one below is the previous." : "Deciding.";
  stopWaiting = cancel === null ? () => {} : startWaiting(wait, { text, cancel });
}

// What shows a decision comes while the first one is made, so that the first view is light.
function decisionParts() {
  return import("./decide/decision.js");
}

/** @param {import("./lib/api.js").Decision} decision @param {typeof import("./decide/decision.js")} parts */
function show(decision, { decisionView, decisionSentence }) {
  place.replaceChildren(decisionView(decision));
  status.textContent = decisionSentence(decision);
  const top = section.getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.7) section.scrollIntoView({ block: "start" });
}

startAccess();
startAsk({
  onStart(cancel) {
    setWaiting(cancel);
    status.textContent = "Deciding…";
    decisionParts().catch(() => {}); // asked for again when there is something to show
  },
  async onDecision(decision, isNewest) {
    const parts = await decisionParts();
    if (isNewest()) {
      setWaiting(null);
      show(decision, parts);
    }
    if (decision.recorded !== false) history?.refresh();
  },
  onFailure() {
    setWaiting(null);
    status.textContent = "";
  },
});
startExamples(byId("examples"), byId("prompt"));
startConfigs({
  onLoaded(loaded) {
    configs = loaded;
    history?.offer(configs);
  },
}).load();
startViews({
  async history() {
    const { startHistory } = await import("./history/history.js");
    history = startHistory();
    history.offer(configs);
    return history;
  },
  async models() {
    const { startModels } = await import("./models/models.js");
    return startModels();
  },
});
