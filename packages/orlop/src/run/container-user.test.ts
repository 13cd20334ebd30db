import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ContainerUser, findUser } from "./container-user.ts";

const files = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "broken line",
    "negative:x:-1:-1::/:/bin/sh",
    "ana:x:1000:1001::/home/ana:/bin/sh",
    "twin:x:1000:1002::/home/twin:/bin/sh",
    "1005:x:2000:2000::/home/digits:/bin/sh",
    "homeless:x:1006:1006:::",
  ].join("\n"),
  group: ["root:x:0:", "ana:x:1001:", "wheel:x:10:root,ana", "7:x:77:", "broken"].join("\n"),
};
const find = (text: string, groups: readonly string[] = []): ContainerUser => findUser(text, files, groups);

describe("a user", () => {
  const cases: readonly [text: string, user: ContainerUser][] = [
    ["", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" }],
    ["root", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" }],
    ["ana", { uid: 1000, gid: 1001, additionalGids: [1001, 10], home: "/home/ana" }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [1001, 10], home: "/home/ana" }],
    ["twin", { uid: 1000, gid: 1002, additionalGids: [1002], home: "/home/twin" }],
    ["4242", { uid: 4242, gid: 0, additionalGids: [0], home: "/" }],
    ["4242:4343", { uid: 4242, gid: 4343, additionalGids: [4343], home: "/" }],
    ["ana:wheel", { uid: 1000, gid: 10, additionalGids: [10], home: "/home/ana" }],
    ["ana:0", { uid: 1000, gid: 0, additionalGids: [0], home: "/home/ana" }],
    [":wheel", { uid: 0, gid: 10, additionalGids: [10], home: "/root" }],
    // A name of digits goes before the number.
    ["1005", { uid: 2000, gid: 2000, additionalGids: [2000], home: "/home/digits" }],
    ["0:7", { uid: 0, gid: 77, additionalGids: [77], home: "/root" }],
    ["homeless", { uid: 1006, gid: 1006, additionalGids: [1006], home: "/" }],
  ];
  for (const [text, user] of cases) test(`is found: "${text}"`, () => assert.deepEqual(find(text), user));

  test("gets more groups, each once", () => {
    assert.deepEqual(find("ana", ["wheel", "5", "root"]).additionalGids, [1001, 10, 5, 0]);
  });

  test("needs no files when numbers say it all", () => {
    const none = { passwd: "", group: "" };
    assert.deepEqual(findUser("5:6", none), { uid: 5, gid: 6, additionalGids: [6], home: "/" });
    assert.deepEqual(findUser("", none), { uid: 0, gid: 0, additionalGids: [0], home: "/" });
  });
});

describe("a user that cannot be found", () => {
  const cases: readonly [text: string, message: RegExp][] = [
    ["nobody-here", /Cannot find user "nobody-here": no matching entries in passwd file/],
    ["ana:nope", /Cannot find group "nope": no matching entries in group file/],
    ["a:b:c", /more than one colon/],
    ["-1", /no matching entries/],
    ["0x10", /no matching entries/],
    ["4294967295", /no matching entries/],
    ["2147483648", /no matching entries/],
    ["1e3", /no matching entries/],
    [" 5", /no matching entries/],
  ];
  for (const [text, message] of cases) {
    test(`is refused: "${text}"`, () => assert.throws(() => find(text), { code: "invalid", message }));
  }
  test("is refused as a group, too", () =>
    assert.throws(() => find("", ["nope"]), { message: /Cannot find group "nope"/ }));
});
