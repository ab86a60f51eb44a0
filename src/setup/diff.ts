const MAX_COMPARISONS = 4_000_000; // pairs of lines that are compared

/** The changed lines from one text to another: `- ` marks an old line, `+ ` a new one. */
export function diff(before: string, after: string): string[] {
  const [old, young] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < old.length && head < young.length && old[head] === young[head]) head++;
  let tail = 0;
  const most = Math.min(old.length, young.length) - head;
  while (tail < most && old.at(-1 - tail) === young.at(-1 - tail)) tail++;
  return changes(old.slice(head, old.length - tail), young.slice(head, young.length - tail));
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** By the longest common subsequence of lines. For large texts: all old lines, then all new ones. */
function changes(old: readonly string[], young: readonly string[]): string[] {
  const isLarge = old.length * young.length > MAX_COMPARISONS;
  const width = young.length + 1;
  const common = new Uint32Array(isLarge ? 0 : (old.length + 1) * width); // lengths, from each pair of lines on
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  if (!isLarge)
    for (let i = old.length - 1; i >= 0; i--)
      for (let j = young.length - 1; j >= 0; j--)
        common[i * width + j] = old[i] === young[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: string[] = [];
  for (let [i, j] = [0, 0]; i < old.length || j < young.length; ) {
    if (!isLarge && i < old.length && j < young.length && old[i] === young[j]) [i, j] = [i + 1, j + 1];
    else if (i < old.length && (j === young.length || isLarge || at(i + 1, j) >= at(i, j + 1)))
      found.push(`- ${old[i++]}`);
    else found.push(`+ ${young[j++]}`);
  }
  return found;
}
