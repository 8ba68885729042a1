// Starts the page and joins its parts. The decision shown always answers the newest request.

import { startAsk } from "./ask.js";
import { startConfigs } from "./configs.js";
import { decisionSentence, decisionView } from "./decision.js";
import { byId } from "./dom.js";
import { startExamples } from "./examples.js";
import { startHistory } from "./history.js";

const section = byId("decision-section");
const place = byId("decision");
const wait = byId("decision-wait");
const status = byId("decision-status");

const history = startHistory();
const configs = startConfigs({ onLoaded: history.offerConfigs });

function setWaiting(waiting) {
  const hasOlder = place.querySelector("article") !== null;
  wait.textContent = hasOlder ? "Deciding… The one below is the previous." : "Deciding…";
  wait.hidden = !waiting;
  place.setAttribute("aria-busy", String(waiting));
}

function show(decision) {
  place.replaceChildren(decisionView(decision));
  status.textContent = decisionSentence(decision);
  const top = section.getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.7) section.scrollIntoView({ block: "start" });
}

startAsk({
  onStart() {
    setWaiting(true);
    status.textContent = "Deciding…";
  },
  onDecision(decision, isNewest) {
    if (isNewest) {
      setWaiting(false);
      show(decision);
    }
    if (decision.recorded !== false) history.load({ keep: true });
  },
  onFailure() {
    setWaiting(false);
    status.textContent = "";
  },
});

startExamples(byId("examples"), byId("prompt"));
configs.load();
history.load();
