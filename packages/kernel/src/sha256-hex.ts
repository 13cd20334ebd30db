/** From here on loading `node:crypto` takes less than what it does faster. */
const SHORT_BYTES = 8 * 1024;

const BLOCK_BYTES = 64;
const BLOCK_WORDS = 16;
const ROUNDS = 64;
/** Of the length in bits, at the end of the last block. */
const LENGTH_BYTES = 8;

/**
 * The SHA-256 of a text or of bytes, as 64 hexadecimal digits. What is short is hashed here: the start of a container needs
 * hashes of two small documents, and loading `node:crypto` takes as long as making the container.
 */
export function sha256Hex(content: string | Uint8Array): string {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  if (bytes.length <= SHORT_BYTES) return shortHash(bytes);
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

/** FIPS 180-4, 6.2.2. */
function shortHash(bytes: Uint8Array): string {
  const blocks = Math.ceil((bytes.length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const { initial, rounds } = constants();
  const state = Int32Array.from(initial);
  const schedule = new Int32Array(ROUNDS);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let word = 0; word < BLOCK_WORDS; word++) schedule[word] = view.getInt32(at + word * 4);
    hashBlock(state, schedule, rounds);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** `w` is the message schedule: it begins with the block, and the rest of it is written here. */
function hashBlock(state: Int32Array, w: Int32Array, rounds: Int32Array): void {
  for (let i = BLOCK_WORDS; i < ROUNDS; i++) {
    const x = at(w, i - 15);
    const y = at(w, i - 2);
    const sigma0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const sigma1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = at(w, i - 16) + sigma0 + at(w, i - 7) + sigma1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < ROUNDS; i++) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + at(rounds, i) + at(w, i)) | 0;
    const t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = at(state, index) + word;
}

function at(words: Int32Array, index: number): number {
  return words[index] as number;
}

interface Constants {
  readonly initial: Int32Array;
  readonly rounds: Int32Array;
}

let known: Constants | undefined;

/** FIPS 180-4, 4.2.2 and 5.3.3: how the fractions of cube roots, and of square roots, of the first primes begin. */
function constants(): Constants {
  if (known !== undefined) return known;
  const fraction = (value: number): number => ((value - Math.floor(value)) * 2 ** 32) | 0;
  const primes: number[] = [];
  for (let n = 2; primes.length < ROUNDS; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  known = {
    initial: Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    rounds: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  };
  return known;
}
