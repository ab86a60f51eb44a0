/** A word as a POSIX shell takes it whole, with quotes only where it needs them. */
export function quoted(word: string): string {
  return /^[\w./@:+-][\w./@:+=,-]*$/.test(word) ? word : singleQuoted(word);
}

/** A word in single quotes, in which a shell finds nothing to do. */
export function singleQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
