/** More than most frames have. */
const SPARE_BYTES = 256 * 1024;

/** So little costs no page faults, and keeps the spare memory for what is large: one call has several frames on their way. */
const SMALL_BYTES = 16 * 1024;

let spare: Buffer | undefined;

/**
 * Memory for a frame. Frames are large, many, and gone in a moment: what each got from the system for itself would cost page
 * faults, and leave holes between what stays.
 */
export class FrameMemory {
  #whole: Buffer | undefined;

  /** So many bytes, zeros all of them. */
  take(length: number): Buffer {
    if (length <= SMALL_BYTES || length > SPARE_BYTES) return Buffer.alloc(length);
    const known = spare;
    spare = undefined;
    this.#whole = known ?? Buffer.alloc(SPARE_BYTES);
    const taken = this.#whole.subarray(0, length);
    return known === undefined ? taken : taken.fill(0);
  }

  /** The frame is where it was to go, and its memory the next one's. */
  release(): void {
    spare = this.#whole ?? spare;
    this.#whole = undefined;
  }
}
