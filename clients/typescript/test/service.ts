/** A service that answers as it is told to, on a socket of its own: what a client must bear. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";

export type Reply = string | ((socket: Socket) => void);

export const DECISION = {
  id: "01KAQ3V9ZC8M0Y6W2N4T7R5B1D",
  calls: [{ model_id: "openai/gpt-5.6-luna", effort: "low", request: { reasoning_effort: "low" } }],
  fallbacks: [{ model_id: "acme/other", effort: null, request: {}, expected_quality: 0.8, cost: 0.001 }],
  expected_quality: 0.9,
  cost: 0.0005,
  reason: "value",
  recorded: true,
};

/** The text of an answer. */
export function http(status: number, body: unknown, type = "application/json", headers: Record<string, string> = {}): string {
  const content = typeof body === "string" ? body : JSON.stringify(body);
  const all = { "content-type": type, "content-length": String(Buffer.byteLength(content)), connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n${content}`;
}

export interface Service {
  readonly url: string;
  /** What was asked, as path and body. */
  readonly requests: { path: string; body: any }[];
  bodies(start: string): any[];
}

/** A service for a test. */
export async function service(t: TestContext, answer: (path: string, body: any) => Reply = () => http(200, DECISION)): Promise<Service> {
  const open = new Set<Socket>();
  const requests: Service["requests"] = [];
  const server = createServer((socket) => {
    open.add(socket);
    let received = "";
    socket.on("error", () => {});
    socket.on("data", (part) => {
      received += part.toString("utf8");
      const end = received.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (end < 0 || Buffer.byteLength(received.slice(end + 4)) < length) return;
      const path = received.split(" ")[1] as string;
      const body = length > 0 ? JSON.parse(received.slice(end + 4)) : undefined;
      received = "";
      requests.push({ path, body });
      const reply = answer(path, body);
      if (typeof reply === "string") socket.end(reply);
      else reply(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, bodies: (start) => requests.filter((one) => one.path.startsWith(start)).map((one) => one.body) };
}

/** A service that keeps what is reported. */
export const keeping = (path: string, body: any): Reply =>
  path.startsWith("/api/outcomes")
    ? http(200, { results: body.outcomes.map((one: object) => ({ ...one, status: 200 })) })
    : http(200, DECISION);

/** A log that keeps its lines. */
export function log() {
  const lines: string[] = [];
  return { lines, warn: (line: string) => void lines.push(line), info: (line: string) => void lines.push(`info ${line}`) };
}
