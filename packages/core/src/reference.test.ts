import assert from "node:assert/strict";
import { test } from "node:test";
import { familiarReference, formatReference, parseReference } from "./reference.ts";

const HEX = "a".repeat(64);

test("a name is completed as docker completes it", () => {
  const full: readonly [text: string, full: string, familiar: string][] = [
    ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
    ["docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["user/app", "docker.io/user/app:latest", "user/app:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"],
    ["[::1]:5000/a/b:x", "[::1]:5000/a/b:x", "[::1]:5000/a/b:x"],
    ["Host/app", "Host/app:latest", "Host/app:latest"],
    ["r.example/a/b/c:T_1.x-y", "r.example/a/b/c:T_1.x-y", "r.example/a/b/c:T_1.x-y"],
    [`busybox@sha256:${HEX}`, `docker.io/library/busybox@sha256:${HEX}`, `busybox@sha256:${HEX}`],
    [`r.example:1/a:t@sha256:${HEX}`, `r.example:1/a:t@sha256:${HEX}`, `r.example:1/a:t@sha256:${HEX}`],
    ["a__b/c--d", "docker.io/a__b/c--d:latest", "a__b/c--d:latest"],
  ];
  for (const [text, formatted, familiar] of full) {
    assert.equal(formatReference(parseReference(text)), formatted, text);
    assert.equal(familiarReference(parseReference(text)), familiar, text);
    assert.deepEqual(parseReference(familiar), parseReference(text), text);
  }
});

test("what is no name is refused with what is wrong about it", () => {
  const refused: readonly [text: string, error: RegExp][] = [
    ["", /names no repository/],
    ["localhost/", /names no repository/],
    ["Busybox", /lower case/],
    ["r.example/App", /lower case/],
    ["a//b", /no name of a repository/],
    ["a/../b", /no name of a repository/],
    ["a___b", /no name of a repository/],
    ["-x.example/a", /no name of a registry/],
    ["r.example:port/a", /no name of a registry/],
    ["a:", /the tag ""/],
    ["a:-x", /the tag "-x"/],
    [`a:${"x".repeat(129)}`, /the tag/],
    ["a@sha256:12", /64 lower-case hex digits/],
    ["a b", /no name of a repository/],
    [`a/${"b".repeat(255)}`, /longer than 255/],
    ["a:x:y", /no name of a repository/],
  ];
  for (const [text, error] of refused) {
    assert.throws(() => parseReference(text), { code: "invalid", message: error }, text);
  }
});
