import type { ByteRange } from "@orlop/core";

/** Bytes of a file, as ranges that neither overlap nor touch, in order. */
export class RangeSet {
  readonly #ranges: { offset: number; end: number }[] = [];

  add(offset: number, end: number): void {
    if (end <= offset) return;
    const first = this.#ranges.findIndex((each) => each.end >= offset);
    if (first < 0) {
      this.#ranges.push({ offset, end });
      return;
    }
    let next = first;
    const merged = { offset, end };
    for (let each = this.#ranges[next]; each !== undefined && each.offset <= end; each = this.#ranges[++next]) {
      merged.offset = Math.min(merged.offset, each.offset);
      merged.end = Math.max(merged.end, each.end);
    }
    this.#ranges.splice(first, next - first, merged);
  }

  remove(offset: number, end: number): void {
    if (end <= offset) return;
    const kept = this.#ranges.flatMap((each) => [
      { offset: each.offset, end: Math.min(each.end, offset) },
      { offset: Math.max(each.offset, end), end: each.end },
    ]);
    this.#ranges.splice(0, this.#ranges.length, ...kept.filter((each) => each.offset < each.end));
  }

  clear(): void {
    this.#ranges.length = 0;
  }

  /** What is not in the set, between two offsets. */
  missing(offset: number, end: number): readonly ByteRange[] {
    const gaps: ByteRange[] = [];
    let position = offset;
    for (const each of this.#ranges) {
      if (each.offset >= end) break;
      if (each.offset > position) gaps.push({ offset: position, length: each.offset - position });
      position = Math.max(position, each.end);
    }
    if (position < end) gaps.push({ offset: position, length: end - position });
    return gaps;
  }

  ranges(): readonly ByteRange[] {
    return this.#ranges.map(({ offset, end }) => ({ offset, length: end - offset }));
  }

  /** How far all bytes from the very first one on are in the set. */
  get prefixBytes(): number {
    const first = this.#ranges[0];
    return first?.offset === 0 ? first.end : 0;
  }

  get totalBytes(): number {
    return this.#ranges.reduce((sum, { offset, end }) => sum + end - offset, 0);
  }
}
