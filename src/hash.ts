/** FNV-1a, 32 bits: tells a handful of words apart, and spreads them. No security may rest on it. */
export function hash(word: string): number {
  let sum = 0x811c9dc5;
  for (const byte of Buffer.from(word)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum;
}
