// Starts the page and joins its parts. The decision shown always answers the newest request.

import { startAccess } from "./access.js";
import { startAsk } from "./ask.js";
import { startConfigs } from "./configs.js";
import { decisionSentence, decisionView } from "./decision.js";
import { byId } from "./dom.js";
import { startExamples } from "./examples.js";
import { startViews } from "./views.js";
import { startWaiting } from "./waiting.js";

const section = byId("decision-section");
const place = byId("decision");
const wait = byId("decision-wait");
const status = byId("decision-status");
let stopWaiting = () => {};
let configs = [];
let history = null;

function setWaiting(cancel) {
  stopWaiting();
  place.setAttribute("aria-busy", String(cancel !== null));
  const hasOlder = place.querySelector("article") !== null;
  const text = hasOlder ? "Deciding. The one below is the previous." : "Deciding.";
  stopWaiting = cancel === null ? () => {} : startWaiting(wait, { text, cancel });
}

function show(decision) {
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
  },
  onDecision(decision, isNewest) {
    if (isNewest) {
      setWaiting(null);
      show(decision);
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
    const { startHistory } = await import("./history.js");
    history = startHistory();
    history.offer(configs);
    return history;
  },
  async models() {
    const { startModels } = await import("./models.js");
    return startModels();
  },
});
