import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlags } from "../flags/parse-flags.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { connectionOptions, REGISTRY_FLAGS, registryOptions } from "./registry-flags.ts";

const given = (path: string): ParsedFlags => parseFlags({ flags: REGISTRY_FLAGS }, [`--authfile=${path}`]);

test("a file of credentials that is not there is refused by who needs it, and made by a login", () => {
  assert.throws(() => registryOptions(given("/no/such/auth.json")), /"\/no\/such\/auth\.json" is not there/);
  registryOptions(given(import.meta.filename));
  connectionOptions(given("/no/such/auth.json"));
});
