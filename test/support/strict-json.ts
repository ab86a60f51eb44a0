/** What a strict parser reads in a JSON text, as Codex and the crate have one: it refuses half a character anywhere. */
export function strictJson(text: string): unknown {
  if (!text.isWellFormed()) throw new Error(`half a character: ${text.slice(0, 200)}`);
  return JSON.parse(text, (key, value) => {
    for (const each of [key, value])
      if (typeof each === "string" && !each.isWellFormed())
        throw new Error(`half a character in ${JSON.stringify(each)}`);
    return value;
  });
}
