import fs from "node:fs";

/** Puts a message there as another program would. */
export function drop(dir: string, id: string, fields: Record<string, unknown>): void {
  const plain = { id, from_session: "x", from_agent: "x", to_session: null, content: id, timestamp: 0, read_by: ["x"] };
  fs.mkdirSync(`${dir}/messages`, { recursive: true });
  fs.writeFileSync(`${dir}/messages/${id}.json`, JSON.stringify({ ...plain, ...fields }));
}
