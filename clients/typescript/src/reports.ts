/**
 * Outcomes that wait to be sent, and their sending.
 *
 * What always holds: whoever reports does not wait; and an outcome is lost only where the service refuses it, the queue
 * is full, or the program ends while the service is away.
 */
import { isRecord, PointsmanError } from "./answer.js";
import type { BatchedOutcome } from "./outcomes.js";
import type { Trouble } from "./trouble.js";
import { ask, detailOf, type Service } from "./wire.js";

const BATCH = 200; // as many as the service takes at once
const MOST_WAITING = 20_000;
const GATHERED_MS = 200;
const TIMEOUT_MS = 5_000;
// Outcomes are kept while the service is away, and tried again after these pauses.
const PAUSES_MS = [1_000, 5_000, 30_000, 60_000];

/** The queue of a client. */
export class Reports {
  readonly #waiting: BatchedOutcome[] = [];
  #sending: Promise<void> | undefined;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly service: Service,
    private readonly trouble: Trouble,
    private readonly pausesMs: readonly number[] = PAUSES_MS,
  ) {}

  /** Put an outcome into the queue; false where there is no more room. */
  add(outcome: BatchedOutcome): boolean {
    if (this.#waiting.length >= MOST_WAITING) {
      this.trouble.say("full", `${MOST_WAITING} outcomes wait for the service: more are lost`);
      return false;
    }
    this.#waiting.push(outcome);
    // This timer keeps a program alive that has nothing else to do; one that waits for a service that is away does not.
    if (this.#timer === undefined) this.#later(GATHERED_MS);
    return true;
  }

  /** Send what waits; whether nothing waits any more after so long. */
  async flush(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      const left = until - performance.now();
      if (left <= 0) return false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, left)));
      // While the service is away, the next try comes when its pause is over.
      const waits = this.#failures > 0 && this.#sending === undefined;
      await Promise.race([late, waits ? new Promise((again) => setTimeout(again, 20)) : this.#send()]);
      clearTimeout(timer);
    }
    return true;
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), ms);
    if (this.#failures > 0) (this.#timer as { unref?: () => void }).unref?.();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#all().finally(() => {
      this.#sending = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (this.#waiting.length > 0) this.#later(this.pausesMs[Math.min(this.#failures, this.pausesMs.length) - 1] ?? 0);
    });
    return this.#sending;
  }

  async #all(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const kept = await this.#sent(batch);
      this.#failures = kept.length > 0 ? this.#failures + 1 : 0;
      this.#waiting.unshift(...kept);
      if (kept.length > 0) return;
    }
  }

  /** Send a batch; what is to be sent again. */
  async #sent(batch: BatchedOutcome[]): Promise<BatchedOutcome[]> {
    const away = (why: string) => (this.trouble.say("reports", `outcomes wait: ${why}`), batch);
    let reply;
    try {
      reply = await ask(this.service, "/api/outcomes", { timeoutMs: TIMEOUT_MS }, { outcomes: batch });
    } catch (error) {
      return away(error instanceof PointsmanError ? error.message : String(error));
    }
    const { status, document } = reply;
    if (status === 429 || status >= 500) return away(`it answers ${status}`);
    if (status !== 200 && batch.length > 1 && [400, 413, 422].includes(status)) {
      const kept = []; // one of them may be the reason
      for (const outcome of batch) kept.push(...(await this.#sent([outcome])));
      return kept;
    }
    if (status !== 200) {
      this.trouble.say("report refused", `outcomes are lost: it answers ${status}: ${detailOf(document)}`);
      return [];
    }
    const results: unknown[] = isRecord(document) && Array.isArray(document.results) ? document.results : [];
    const refused = results.find((one) => isRecord(one) && one.status !== 200);
    if (refused !== undefined) this.trouble.say("outcome refused", `an outcome was not kept: ${detailOf(refused)}`);
    return [];
  }
}
