import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatReference } from "@orlop/core";
import { resolveShortName } from "./short-name.ts";

const nothing = { rules: new Map(), aliases: new Map<string, string>(), searched: undefined, searchedIn: undefined };
const named = (text: string, conf: Partial<typeof nothing> | { searched: string[] } = {}): string =>
  formatReference(resolveShortName(text, { ...nothing, ...conf }));

describe("a name without a registry", () => {
  test("is docker's where nothing is configured", () => {
    assert.equal(named("busybox"), "docker.io/library/busybox:latest");
    assert.equal(named("team/app:1"), "docker.io/team/app:1");
    assert.equal(named("localhost/app"), "localhost/app:latest");
  });

  test("is what its alias says", () => {
    const aliases = new Map([
      ["fedora", "registry.fedoraproject.org/fedora"],
      ["team/app", "a.example/app"],
      ["a.example/x", "b.example/x"],
    ]);
    assert.equal(named("fedora:40", { aliases }), "registry.fedoraproject.org/fedora:40");
    assert.equal(named("team/app", { aliases }), "a.example/app:latest");
    assert.equal(named("a.example/x", { aliases }), "a.example/x:latest");
    assert.equal(named("fedora/x", { aliases }), "docker.io/fedora/x:latest");
  });

  test("is of the one registry that is searched, and of none when there are several", () => {
    assert.equal(named("app", { searched: ["a.example"] }), "a.example/app:latest");
    assert.equal(named("app", { searched: ["docker.io"] }), "docker.io/library/app:latest");
    assert.throws(
      () => named("app", { searched: ["docker.io", "a.example"] }),
      /several registries .*\nTry one of: docker\.io\/library\/app:latest, a\.example\/app:latest$/,
    );
  });
});
