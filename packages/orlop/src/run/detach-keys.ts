import { OrlopError } from "@orlop/core";

/** Ctrl-P, Ctrl-Q: docker's. */
const DEFAULT_KEYS = "ctrl-p,ctrl-q";

/**
 * The bytes of a sequence of keys, separated by commas: letters and signs as they are, or with `ctrl-` before them; absent:
 * Ctrl-P, Ctrl-Q; "": none.
 *
 * @throws OrlopError `invalid`
 */
export function parseDetachKeys(text: string | undefined): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.from((text ?? DEFAULT_KEYS).split(",").map(keyByte));
}

function keyByte(key: string): number {
  if (/^[!-~]$/.test(key)) return key.charCodeAt(0);
  // Control characters are the places of letters and of these signs in ASCII, from 64 on.
  const [, letter] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
  if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) & 0x1f;
  const what = "keys are single characters, or ctrl- and one of a-z, @, [, \\, ], ^ and _, separated by commas";
  throw new OrlopError("invalid", `Cannot use detach keys: there is no key ${JSON.stringify(key)}; ${what}`);
}

/** Finds a sequence of keys in what is typed, wherever it is cut. */
export class DetachKeys {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What is to be passed on of a piece of input, and whether the sequence has been typed to its end in it. */
  take(input: Buffer): { readonly passed: Buffer; readonly isDetached: boolean } {
    if (this.#keys.length === 0) return { passed: input, isDetached: false };
    const passed: number[] = [];
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { passed: Buffer.from(passed), isDetached: true };
        continue;
      }
      passed.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return { passed: Buffer.from(passed), isDetached: false };
  }
}
