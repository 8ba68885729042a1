/**
 * What a caller calls its models, by what the service calls them, in both directions.
 *
 * What always holds: an id of the service means one model of the caller, or the map is refused when it is made.
 */

/** The caller's models: `{its name: Pointsman's id}`, or names that both use. */
export type Models = Readonly<Record<string, string>> | readonly string[];

/** A map of names in which one name has two meanings, or that holds something else than text. */
export class NamesError extends TypeError {
  override name = "NamesError";
}

/** A name as names are compared. */
export const folded = (name: string): string => name.trim().toLowerCase();

/** The caller's models. An empty map stands for callers that use the service's own names. */
export class Names {
  readonly ours = new Map<string, string>();
  readonly #theirs = new Map<string, string>();

  constructor(models: Models = []) {
    const pairs = Array.isArray(models) ? models.map((name) => [name, name]) : Object.entries(models);
    for (const [theirs, ours] of pairs as [unknown, unknown][]) {
      if (typeof theirs !== "string" || typeof ours !== "string" || !theirs.trim() || !ours.trim()) {
        throw new NamesError(`models: ${String(theirs)}: ${String(ours)} are not two names. Map your name to Pointsman's id.`);
      }
      const other = this.#theirs.get(folded(ours));
      if (other !== undefined && other !== theirs) {
        throw new NamesError(
          `models: "${ours}" is "${other}" and "${theirs}": an answer could not be told back. Keep one of them, or ` +
            "name an effort (model@effort) in each.",
        );
      }
      this.ours.set(theirs, ours);
      this.#theirs.set(folded(ours), theirs);
    }
  }

  /** These of the caller's models alone; all of them where none are named. */
  among(names?: readonly string[]): Names {
    return names === undefined ? this : new Names(Object.fromEntries(names.map((name) => [name, this.id(name)])));
  }

  /** The service's id of a name of the caller, which may be the service's own. */
  id(theirs: string): string {
    return this.ours.get(theirs) ?? theirs;
  }

  /**
   * What the caller calls a model at an effort; undefined where it has no such model. `said` is the name that the
   * service told beside its id, which is the one that it was asked with.
   */
  tell(modelId: string, effort?: string, said?: string): string | undefined {
    const told = [said, modelId].filter((name) => name !== undefined);
    if (this.ours.size === 0) {
      const [first = modelId] = told;
      return effort !== undefined && first.endsWith(`@${effort}`) ? first.slice(0, -effort.length - 1) : first;
    }
    const spelled = [...told.map((name) => `${name}@${effort}`), ...told];
    return spelled.map((name) => this.#theirs.get(folded(name))).find((name) => name !== undefined);
  }
}
