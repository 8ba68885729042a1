// @ts-check
// The example prompts. Clicking one fills the prompt box and sends nothing. Their buttons are in the page's HTML.

/** @type {Record<string, string>} */
const EXAMPLES = {
  easy: "What is the capital of Australia?",
  physics:
    "Derive the one-loop beta function of QED from the vacuum polarisation in dimensional regularisation. " +
    "State every step, then find the energy of the Landau pole for one charged lepton with α(0) = 1/137.036.",
  chinese: "请用通俗的语言解释光合作用的光反应和暗反应有什么区别,并各举一个影响反应速率的因素。",
  arabic: "اشرح الفرق بين النسبية الخاصة والنسبية العامة بلغة بسيطة، مع مثال واحد لكل منهما.",
  agent: [
    "You are a coding agent working in the repository {{repository}}.",
    "",
    "Tools: read_file(path), search(pattern), edit(path, old, new), run_tests(selector).",
    "Rules:",
    "- Change only what the issue asks for.",
    "- Run the tests before you answer.",
    '- Answer with JSON: {"summary": string, "files": [string]}.',
    "",
    "Issue:",
    "Paging skips one row when two rows have the same timestamp. Find the cause and fix it.",
  ].join("\n"),
};

/** @param {HTMLElement} place @param {HTMLTextAreaElement} prompt */
export function startExamples(place, prompt) {
  for (const button of place.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      prompt.value = EXAMPLES[button.dataset.example ?? ""] ?? "";
      prompt.dispatchEvent(new Event("input", { bubbles: true }));
      prompt.focus();
    });
  }
}
