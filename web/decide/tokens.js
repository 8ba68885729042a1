// @ts-check
// How many tokens a text will be, roughly and at once. The server counts exactly, with the embedder's tokenizer; these
// weights were fitted to it on sentences in ten languages and code, and a test holds the estimate to it.

const SAMPLE = 65_536;

// Tokens for one: word, letter of a word beyond the fourth, digit, sign, ideograph, kana or hangul, letter of another script.
/** @typedef {Record<"word" | "letter" | "digit" | "sign" | "ideograph" | "syllable" | "other", number>} Kinds */

/** @type {Kinds} */
const WEIGHTS = {
  word: 0.84,
  letter: 0.25,
  digit: 0.27,
  sign: 1.14,
  ideograph: 0.75,
  syllable: 0.67,
  other: 0.29,
};

// A text of any size takes the time of 64 Ki characters: a longer one is told by its head and tail.
/** @param {string} text */
export function estimatedTokens(text) {
  if (text.length <= SAMPLE) return Math.round(weighed(text));
  const half = SAMPLE / 2;
  const part = weighed(text.slice(0, half)) + weighed(text.slice(-half));
  return Math.round((part * text.length) / SAMPLE);
}

/** @param {string} text */
function weighed(text) {
  const found = counted(text);
  const kinds = /** @type {(keyof Kinds)[]} */ (Object.keys(found));
  return kinds.reduce((sum, kind) => sum + WEIGHTS[kind] * found[kind], 0);
}

/** @param {string} text @returns {Kinds} */
export function counted(text) {
  const found = { word: 0, letter: 0, digit: 0, sign: 0, ideograph: 0, syllable: 0, other: 0 };
  let run = 0; // letters of the word so far
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isLetter = (code > 64 && code < 91) || (code > 96 && code < 123) || (code > 191 && code < 0x250);
    if (isLetter) {
      run += 1;
      if (run === 1) found.word += 1;
      if (run > 4) found.letter += 1;
      continue;
    }
    run = 0;
    if (code <= 32) continue;
    if (code > 47 && code < 58) found.digit += 1;
    else if (code < 192 || (code >= 0x2000 && code < 0x3040)) found.sign += 1;
    else if (code >= 0x3040 && code < 0x3100) found.syllable += 1;
    else if (code >= 0x3400 && code < 0xa000) found.ideograph += 1;
    else if (code >= 0xac00 && code < 0xd7b0) found.syllable += 1;
    else if (code >= 0xd800)
      found.sign += 0.5; // half of a pair, or a full-width sign
    else found.other += 1;
  }
  return found;
}
