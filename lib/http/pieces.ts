const PAGE_BYTES = 16 * 1_024;

/**
 * Bytes as they arrive, in order. A sender may cut its body into single bytes, and a Buffer takes over a hundred: small
 * pieces are copied into pages, large ones kept as they are.
 */
export class Pieces {
  #size = 0;
  #kept: Buffer[] = [];
  #page: Buffer | undefined;
  /** of the page: what is in `kept` already, and what is filled */
  #from = 0;
  #to = 0;

  /** bytes */
  get size(): number {
    return this.#size;
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#size += piece.length;
    // most bodies are one piece, which need not be copied
    if (piece.length >= PAGE_BYTES || this.#size === piece.length) {
      this.#closeRun();
      this.#kept.push(piece);
      return;
    }
    for (let at = 0; at < piece.length;) {
      if (this.#page === undefined || this.#to === PAGE_BYTES) this.#turn();
      const copied = piece.copy(this.#page!, this.#to, at);
      this.#to += copied;
      at += copied;
    }
  }

  /** All of it, as one Buffer. */
  joined(): Buffer {
    this.#closeRun();
    const [first] = this.#kept;
    return first && this.#kept.length === 1 ? first : Buffer.concat(this.#kept, this.#size);
  }

  clear(): void {
    this.#size = 0;
    this.#kept = [];
    this.#page = undefined;
    this.#from = this.#to = 0;
  }

  #turn(): void {
    this.#closeRun();
    this.#page = Buffer.allocUnsafeSlow(PAGE_BYTES);
    this.#from = this.#to = 0;
  }

  /** What is filled goes before what comes next; the rest of the page is still to be used. */
  #closeRun(): void {
    if (this.#page && this.#to > this.#from) this.#kept.push(this.#page.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
