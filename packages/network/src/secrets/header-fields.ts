/** A field of the head of a request or an answer. */
export type HeaderField = readonly [name: string, value: string];

/** Of one connection and not of the message: RFC 9110, section 7.6.1, and what HTTP/2 forbids (RFC 9113, section 8.2.2). */
const OF_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** The fields that go on, of a list as Node has it: name, value, name, value. Pseudo-fields of HTTP/2 are none. */
export function endToEndFields(raw: readonly string[]): readonly HeaderField[] {
  const all = pairs(raw);
  const named = new Set(
    all.flatMap(([name, value]) => (name.toLowerCase() === "connection" ? value.toLowerCase().split(/\s*,\s*/) : [])),
  );
  return all.filter(([name]) => {
    const small = name.toLowerCase();
    return !small.startsWith(":") && !OF_CONNECTION.has(small) && !named.has(small);
  });
}

/** All but those of these names, in small letters. */
export function without(fields: readonly HeaderField[], ...names: readonly string[]): readonly HeaderField[] {
  return fields.filter(([name]) => !names.includes(name.toLowerCase()));
}

function pairs(raw: readonly string[]): readonly HeaderField[] {
  return raw.flatMap((name, index): HeaderField[] => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""]] : []));
}
