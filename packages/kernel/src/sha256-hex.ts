/** The SHA-256 of a text, as 64 hexadecimal digits. `node:crypto` is loaded by the first call: see {@link randomBytes}. */
export function sha256Hex(text: string): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(text).digest("hex");
}
