import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { connectionOptions, REGISTRY_FLAGS, registryOptions } from "./registry-flags.ts";

const given = (path: string, name = "authfile"): ParsedFlags =>
  parseFlags({ flags: REGISTRY_FLAGS }, [`--${name}=${path}`]);

test("a file of credentials that is not there is refused by who needs it, and made by a login", () => {
  assert.throws(() => registryOptions(given("/no/such/auth.json")), /"\/no\/such\/auth\.json" is not there/);
  registryOptions(given(import.meta.filename));
  connectionOptions(given("/no/such/auth.json"));
});

test("directories that are named and not there are refused, by a login too", () => {
  for (const name of ["cert-dir", "hosts-dir"]) {
    assert.throws(() => connectionOptions(given("/no/such", name)), /"\/no\/such" is not there$/);
    connectionOptions(given(import.meta.dirname, name));
  }
  const oneOfTwo = given(`${import.meta.dirname},/no/such`, "hosts-dir");
  assert.throws(() => connectionOptions(oneOfTwo), /: "\/no\/such" is not there$/);
});
