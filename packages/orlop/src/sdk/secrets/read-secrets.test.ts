import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SandboxOptions } from "../sandbox-options.ts";
import { type ReadSecret, readSecrets } from "./read-secrets.ts";

const VALUE = "a value with\ta tab";
const HOSTS = ["api.example"];

function read(secret: object, others: object = {}, cwd = "/"): readonly ReadSecret[] {
  const options = { image: "host", secrets: { API_KEY: secret }, ...others } as SandboxOptions;
  return readSecrets(options, { cwd, env: { KEY: "value of a variable", SHORT: "short" } });
}

describe("the secrets of a sandbox", () => {
  test("have values, of a file without the line's end behind it", () => {
    const directory = mkdtempSync(join(tmpdir(), "orlop-read-secrets-"));
    try {
      writeFileSync(join(directory, "key"), "value of a file\r\n");
      const values = [{ value: "given value" }, { env: "KEY" }, { file: "key" }].map(
        (source) => read({ ...source, hosts: HOSTS }, {}, directory)[0]?.value,
      );
      assert.deepEqual(values, ["given value", "value of a variable", "value of a file"]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("are for servers that the sandbox may reach", () => {
    const value = "given value";
    const [one] = read({ value, hosts: ["a.example", "http://b.example:8080"], in: ["header:X-Key", "url"] });
    assert.deepEqual(one?.hosts, [
      { scheme: "https", name: "a.example", port: 443 },
      { scheme: "http", name: "b.example", port: 8080 },
    ]);
    assert.deepEqual(one?.places, ["header:x-key", "url"]);
    assert.deepEqual(read({ value, hosts: HOSTS })[0]?.places, ["headers"]);
    for (const allow of [["api.example:443"], ["*.example"]]) read({ value, hosts: HOSTS }, { network: { allow } });
    for (const allow of [[], ["api.example:80"], ["192.0.2.0/24"]]) {
      const refused = /host "api\.example" is not in what option "network" allows\nTry "api\.example:443" there\.$/;
      assert.throws(() => read({ value, hosts: HOSTS }, { network: { allow } }), { code: "invalid", message: refused });
    }
    assert.throws(() => read({ value, hosts: HOSTS }, { network: "host" }), { code: "invalid", field: "secrets" });
  });

  test("are refused where they mean nothing, and no refusal says their values", () => {
    const value = "given value";
    const refused: readonly object[] = [
      { hosts: HOSTS },
      { value, env: "KEY", hosts: HOSTS },
      { value },
      { value, hosts: [] },
      { value, hosts: ["*.example"] },
      { value, hosts: "api.example" },
      { value, hosts: HOSTS, in: [] },
      { value, hosts: HOSTS, in: ["header: x"] },
      { value, hosts: HOSTS, in: ["path"] },
      { value, hosts: ["a.example:8443", "http://b.example:8443"] },
      { value, hosts: HOSTS, name: "x" },
      { value: VALUE, hosts: HOSTS },
      { value: "value\r\nX-Other: 1", hosts: HOSTS },
      { value: "value of ä", hosts: HOSTS },
      { value: " value of it", hosts: HOSTS },
      { value: "short", hosts: HOSTS },
      { value: "long".repeat(9999), hosts: HOSTS },
      { env: "SHORT", hosts: HOSTS },
      { env: "NONE", hosts: HOSTS },
    ];
    for (const secret of refused) {
      assert.throws(
        () => read(secret),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "invalid");
          assert.match(error.message, /^Cannot create sandbox: option "secrets/);
          assert.doesNotMatch(error.message, /given value|value of|X-Other|short\b|longlong/);
          return true;
        },
        JSON.stringify(secret).slice(0, 99),
      );
    }
    assert.throws(() => read({ file: "/no/such/file", hosts: HOSTS }), { code: "not-found" });
    const again = { env: { API_KEY: "x" } };
    assert.throws(() => read({ value, hosts: HOSTS }, again), { code: "invalid", field: "secrets.API_KEY" });
    assert.throws(() => read({}, { secrets: { "A-B": { value, hosts: HOSTS } } }), {
      code: "invalid",
      field: "secrets",
    });
  });
});
