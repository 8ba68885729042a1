/**
 * Asks a Pointsman service which model should serve a request, and never is the reason that one fails.
 *
 *     const pointsman = new Pointsman({ url: "http://127.0.0.1:8080", fallback: "openai/gpt-5.6-luna" });
 *     const answer = await pointsman.route({ messages });
 *     const response = await openai.chat.completions.create({ model: answer.model, messages, ...answer.request });
 *     pointsman.outcome(answer, { usage: response.usage });
 */
export { type Answer, type Call, type Candidate, candidateId, type Kind, PointsmanError, type Problem } from "./answer.js";
export type { components, operations, paths } from "./api.js";
export { type CallOptions, type Model, type Options, Pointsman, type Report, type RouteRequest } from "./client.js";
export { type Models, NamesError } from "./names.js";
export { type Outcome, usageOf } from "./outcomes.js";
export type { Log } from "./trouble.js";
