import { decodeDocument } from "./field-failure.ts";
import { parseJson } from "./json-text.ts";

/**
 * The value of JSON text from outside, which has to be within `JSON_LIMITS` and to have no member twice; `document` says
 * in the error what it is.
 *
 * @throws OrlopError `invalid`
 */
export function decodeJson(document: string, input: string | Uint8Array): unknown {
  return decodeDocument(document, () => parseJson(input));
}
