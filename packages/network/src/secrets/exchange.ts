import { ByteReplacer, type Replacement, replacement } from "./byte-replacer.ts";
import type { HeaderField } from "./header-fields.ts";
import type { PlacedSecret, SecretPlace } from "./placed-secret.ts";

const BASIC = /^(basic\s+)([a-z0-9+/]+=*)\s*$/i;

interface ExchangeOptions {
  /** Those that are for the server that is asked. */
  readonly secrets: readonly PlacedSecret[];
  /** All that the sandbox has: none of them is to come back. */
  readonly hidden: readonly PlacedSecret[];
}

/** One request and its answer: puts secrets in on the way out, and placeholders in their place on the way back. */
export class Exchange {
  readonly #secrets: readonly PlacedSecret[];
  readonly #hidden: Replacement[];

  constructor({ secrets, hidden }: ExchangeOptions) {
    this.#secrets = secrets;
    this.#hidden = hidden.flatMap(({ value, placeholder }) =>
      [...new Set([value, jsonText(value), encodeURIComponent(value)])].map((form) => replacement(form, placeholder)),
    );
  }

  requestFields(fields: readonly HeaderField[]): readonly HeaderField[] {
    return fields.map(([name, value]) => {
      const own = this.#placed("headers", `header:${name.toLowerCase()}`);
      const changed = put(value, own, (secret) => secret);
      return [name, name.toLowerCase() === "authorization" ? this.#basic(changed, own) : changed];
    });
  }

  /** A request's path with its query. */
  requestTarget(target: string): string {
    return put(target, this.#placed("url"), encodeURIComponent);
  }

  /** What the content of a request goes through; undefined where it stays as it is. */
  requestContent(contentType: string): ByteReplacer | undefined {
    const own = this.#placed("body");
    if (own.length === 0) return undefined;
    const form = formOf(contentType);
    return new ByteReplacer(own.map(({ placeholder, value }) => replacement(placeholder, form(value))));
  }

  answerFields(fields: readonly HeaderField[]): readonly HeaderField[] {
    return fields.map(([name, value]) => [name, this.#hide(value)]);
  }

  /** What the content of an answer goes through. */
  answerContent(): ByteReplacer {
    return new ByteReplacer(this.#hidden);
  }

  #placed(...places: readonly SecretPlace[]): readonly PlacedSecret[] {
    return this.#secrets.filter((secret) => secret.places.some((place) => places.includes(place)));
  }

  /** A name and a password are encoded together (RFC 7617), and what comes of that could come back, too. */
  #basic(value: string, secrets: readonly PlacedSecret[]): string {
    const [, scheme, encoded = ""] = BASIC.exec(value) ?? [];
    if (scheme === undefined) return value;
    const given = Buffer.from(encoded, "base64").toString("latin1");
    const changed = put(given, secrets, (secret) => secret);
    if (changed === given) return value;
    const credentials = Buffer.from(changed, "latin1").toString("base64");
    this.#hidden.push(replacement(credentials, encoded));
    return scheme + credentials;
  }

  #hide(text: string): string {
    const longestFirst = this.#hidden.toSorted((a, b) => b.from.length - a.from.length);
    return longestFirst.reduce((left, { from, to }) => left.replaceAll(from.toString(), () => to.toString()), text);
  }
}

function put(text: string, secrets: readonly PlacedSecret[], form: (value: string) => string): string {
  return secrets.reduce((left, { placeholder, value }) => left.replaceAll(placeholder, () => form(value)), text);
}

/** How a value is written within content of that type. */
function formOf(contentType: string): (value: string) => string {
  const type = contentType.toLowerCase().split(";", 1)[0]?.trim() ?? "";
  if (type === "application/x-www-form-urlencoded") return encodeURIComponent;
  return type === "application/json" || type.endsWith("+json") ? jsonText : (value) => value;
}

/** As it stands between the quotes of JSON. */
function jsonText(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
