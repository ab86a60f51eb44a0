/** How often a text is in what the model was sent. */
export function copies(request = "", text: string): number {
  return request.split(text).length - 1;
}

/** In how many of our blocks it is: the host may repeat a block, and its closing word with it. */
export function tellings(request = "", text: string): number {
  const blocks = request.matchAll(/ends at (\w{6})\](.*?)\[\1\]/g);
  return new Set([...blocks].filter(([, , inside]) => inside?.includes(text)).map(([, word]) => word)).size;
}
