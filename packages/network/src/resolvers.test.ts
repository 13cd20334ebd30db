import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { hostResolvers } from "./resolvers.ts";

function resolvers(files: Readonly<Record<string, string>>) {
  return hostResolvers((path) => files[path]);
}

suite("the host's servers for names", () => {
  test("are those of resolv.conf that containers reach", () => {
    const text =
      "# by hand\nsearch a.example b.example\nnameserver 127.0.0.1\nnameserver 192.0.2.53\noptions ndots:2 edns0\n";
    assert.deepEqual(resolvers({ "/etc/resolv.conf": text }), {
      servers: ["192.0.2.53"],
      search: ["a.example", "b.example"],
      options: ["ndots:2", "edns0"],
    });
  });

  test("are those behind systemd-resolved, where that is all there is", () => {
    const found = resolvers({
      "/etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\n",
      "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.1\nnameserver 2001:db8::53\ndomain a.example\n",
    });
    assert.deepEqual(found.servers, ["192.0.2.1", "2001:db8::53"]);
    assert.deepEqual(found.search, ["a.example"]);
  });

  test("are none where none is told", () => {
    assert.deepEqual(resolvers({}), { servers: [], search: [], options: [] });
    assert.deepEqual(resolvers({ "/etc/resolv.conf": "nameserver\nnameserver here\n" }).servers, []);
  });
});
