/** A word for a POSIX shell, with quotes only if it needs them. */
export function quoted(word: string): string {
  return /^[\w./@:+-][\w./@:+=,-]*$/.test(word) ? word : singleQuoted(word);
}

/** A word in single quotes, in which a POSIX shell expands nothing. */
export function singleQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
