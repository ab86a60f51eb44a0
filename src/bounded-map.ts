/** A map with room for `most` entries: the one that was put in first gives way. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override set(key: Key, value: Value): this {
    super.set(key, value);
    for (const first of this.keys()) {
      if (this.size <= this.#most) break;
      this.delete(first);
    }
    return this;
  }
}
