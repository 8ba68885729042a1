/**
 * Saying what goes wrong once, and not asking a service that is down with every request.
 *
 * What always holds: a reason is logged the first time; again only after all was well in between and ten minutes passed.
 */
import type { Kind, Problem } from "./answer.js";

/** Where reasons are said: the console, or a logger that has these two. */
export type Log = Pick<Console, "info" | "warn">;

const SAID_AGAIN_AFTER_MS = 600_000;
// So many failures in a row, and the service is left alone for a while.
const FAILURES_BEFORE_REST = 3;
const MOST_REST_MS = 60_000;
// What says something of the service and not of the request.
const OF_THE_SERVICE: ReadonlySet<Kind> = new Set<Kind>(["unreachable", "slow", "busy", "failing"]);

/** What went wrong with a service so far. */
export class Trouble {
  readonly #said = new Map<string, number>();
  readonly #silent = new Set<string>();
  #failures = 0;
  #until = 0;

  constructor(
    private readonly service: string,
    private readonly restMs: number,
    private readonly log: Log,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Whether the service is left alone now. */
  resting(): boolean {
    return this.clock() < this.#until;
  }

  /** An answer came that could be used. */
  well(): void {
    this.#failures = 0;
    if (this.#silent.size > 0) this.log.info(`${this.service} routes again.`);
    this.#silent.clear();
  }

  /** A request goes on with its default; `afterMs` is when the service wants to be asked again. */
  failed(problem: Problem, afterMs?: number): void {
    this.say(problem.kind, `requests go on with their default: ${problem.detail}`);
    if (!OF_THE_SERVICE.has(problem.kind)) return;
    this.#failures += 1;
    if (this.restMs > 0 && (this.#failures >= FAILURES_BEFORE_REST || afterMs)) {
      this.#until = this.clock() + Math.min(Math.max(this.restMs, afterMs ?? 0), MOST_REST_MS);
    }
  }

  /** Log something, once. */
  say(kind: string, what: string): void {
    const now = this.clock();
    const last = this.#said.get(kind);
    if (!this.#silent.has(kind) && (last === undefined || now - last > SAID_AGAIN_AFTER_MS)) {
      this.#said.set(kind, now);
      this.log.warn(`${this.service}: ${what}`);
    }
    this.#silent.add(kind);
  }
}
