import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { type Answer, answerTo, isTurn } from "./dialects.ts";

/** What the model does when it is asked: `before` and `after` happen around its answer. */
export interface Step {
  readonly answer: Answer;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

/** A model that does as it is told, and keeps what it was sent. When there is no step left it says "ok". */
export class Stub {
  /** The requests of the conversation itself, as JSON; not those for a title, a count, a list of models. */
  readonly turns: string[] = [];
  /** What went wrong around an answer. */
  readonly faults: unknown[] = [];
  readonly #steps: Step[] = [];
  readonly #log: string;
  readonly #server = http.createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      this.faults.push(error);
      response.destroy();
    });
  });

  constructor(log: string) {
    this.#log = log;
  }

  async listen(socket: string): Promise<void> {
    this.#server.listen(socket);
    await once(this.#server, "listening");
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What comes next. */
  will(...steps: readonly Step[]): void {
    this.#steps.push(...steps);
  }

  /** How many steps were not asked for. */
  get left(): number {
    return this.#steps.length;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const path = (request.url ?? "").split("?")[0] ?? "";
    const body = jsonIn(text);
    const isOne = isTurn(path, body);
    const step = isOne ? this.#steps.shift() : undefined;
    fs.appendFileSync(this.#log, `${JSON.stringify({ method: request.method, path, isTurn: isOne, body })}\n`);
    if (isOne) this.turns.push(JSON.stringify(body));
    await step?.before?.();
    const { type, content } = answerTo(path, body, step?.answer ?? { text: "ok" });
    response.writeHead(200, { "content-type": type }).end(content);
    await step?.after?.();
  }
}

function jsonIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
