/** A call of the AI SDK as the conversation (OpenAI chat) that Pointsman routes. */
import { given, isRecord } from "./answer.js";

/** What a model of the AI SDK is called with, as far as it matters here. */
export interface SdkCall {
  readonly prompt: readonly SdkMessage[];
  readonly tools?: readonly SdkTool[] | undefined;
  readonly responseFormat?: { readonly type: string } | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly reasoning?: string | undefined;
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

interface SdkMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | readonly SdkPart[];
}

interface SdkPart {
  readonly type: string;
  readonly [more: string]: unknown;
}

interface SdkTool {
  readonly type: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema?: unknown;
}

// Of an image, Pointsman reads the size, which stands in the first bytes.
const IMAGE_LETTERS = 131_072;

/** The fields of a request of Pointsman's that a call says. */
export function conversationOf(call: SdkCall): Record<string, unknown> & { messages: unknown[] } {
  const tools = call.tools?.filter((tool) => tool.type === "function").map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, ...given({ description, parameters: inputSchema }) },
  }));
  return {
    messages: call.prompt.flatMap(messagesOf),
    ...given({
      tools: tools && tools.length > 0 ? tools : undefined,
      response_format: call.responseFormat?.type === "json" ? { type: "json_object" } : undefined,
      max_output_tokens: call.maxOutputTokens,
    }),
  };
}

function messagesOf({ role, content }: SdkMessage): object[] {
  if (typeof content === "string") return [{ role, content }];
  if (role === "tool") return content.filter((part) => part.type === "tool-result").map(resultOf);
  const said = content.flatMap(partOf);
  if (role !== "assistant") return [{ role, content: said }];
  // Results of tools that the provider ran stand among what the assistant said, and are no calls of ours.
  const calls = content.filter((part) => part.type === "tool-call" && part.providerExecuted !== true).map((part) => ({
    id: part.toolCallId,
    type: "function",
    function: { name: part.toolName, arguments: JSON.stringify(part.input ?? {}) },
  }));
  return [{ role, content: said, ...(calls.length > 0 ? { tool_calls: calls } : {}) }];
}

function resultOf(part: SdkPart): object {
  const output = isRecord(part.output) ? part.output.value : part.output;
  return {
    role: "tool",
    tool_call_id: part.toolCallId,
    content: typeof output === "string" ? output : JSON.stringify(output ?? ""),
  };
}

function partOf(part: SdkPart): object[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type !== "file") return [];
  const type = String(part.mediaType);
  return [type.startsWith("image") ? { type: "image_url", image_url: { url: addressOf(part.data, type) } } : { type: "file", file: {} }];
}

/** An image's address, or as much of its bytes as says its size. The SDK's 7th version wraps either in an object. */
function addressOf(data: unknown, type: string): string {
  if (data instanceof URL) return data.href;
  if (data instanceof Uint8Array) return `data:${type};base64,${base64(data.subarray(0, (IMAGE_LETTERS / 4) * 3))}`;
  if (isRecord(data)) return addressOf(data.url ?? data.data ?? "", type);
  const text = String(data);
  return /^(https?|data):/.test(text) ? text : `data:${type};base64,${text.slice(0, IMAGE_LETTERS)}`;
}

function base64(bytes: Uint8Array): string {
  let letters = "";
  for (let at = 0; at < bytes.length; at += 8_192) letters += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(letters);
}
