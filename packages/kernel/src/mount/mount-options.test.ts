import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ConstantName, constant } from "../abi/constants.ts";
import { MOUNT_OPTION_NAMES, type MountOptions, parseMountOptions } from "./mount-options.ts";

const NOTHING: MountOptions = {
  bind: "no",
  attributes: { set: [], clear: [] },
  recursiveAttributes: { set: [], clear: [] },
  propagation: undefined,
  superblockFlags: [],
  data: [],
  copyUp: false,
  idmap: "no",
  remount: "no",
};

function parse(...options: readonly string[]): MountOptions {
  return parseMountOptions(options, "tmpfs", "mounts[0].options");
}

/** The words of runtime-spec, config.md, "Linux mount options". */
const SPECIFIED =
  "async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec " +
  "noiversion nolazytime norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec " +
  "rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared " +
  "rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup " +
  "unbindable idmap ridmap";

suite("mount options", () => {
  test("are all of the specification's", () => {
    const unknown = SPECIFIED.split(" ").filter((name) => !MOUNT_OPTION_NAMES.includes(name));
    assert.deepEqual(unknown, []);
  });

  test("name attributes, each set, cleared, and either for every mount below", () => {
    for (const [set, clear, name] of [
      ["nosuid", "suid", "NOSUID"],
      ["nodev", "dev", "NODEV"],
      ["noexec", "exec", "NOEXEC"],
      ["nosymfollow", "symfollow", "NOSYMFOLLOW"],
      ["nodiratime", "diratime", "NODIRATIME"],
      ["noatime", "atime", "NOATIME"],
      ["strictatime", "nostrictatime", "STRICTATIME"],
      ["relatime", "norelatime", "RELATIME"],
    ] as const) {
      const attribute = `MOUNT_ATTR_${name}` as ConstantName;
      assert.equal(typeof constant(attribute, "x86_64"), "bigint");
      const on = { set: [attribute], clear: [] };
      const off = { set: [], clear: [attribute] };
      assert.deepEqual(parse(set), { ...NOTHING, attributes: on }, set);
      assert.deepEqual(parse(clear), { ...NOTHING, attributes: off }, clear);
      assert.deepEqual(parse(`r${set}`), { ...NOTHING, recursiveAttributes: on }, `r${set}`);
      assert.deepEqual(parse(`r${clear}`), { ...NOTHING, recursiveAttributes: off }, `r${clear}`);
    }
  });

  test("make read-only the mount, and a new file system itself; below, the mounts alone", () => {
    const on = { set: ["MOUNT_ATTR_RDONLY"], clear: [] };
    const off = { set: [], clear: ["MOUNT_ATTR_RDONLY"] };
    assert.deepEqual(parse("ro"), { ...NOTHING, attributes: on, superblockFlags: ["ro"] });
    assert.deepEqual(parse("rw"), { ...NOTHING, attributes: off });
    assert.deepEqual(parse("rro"), { ...NOTHING, recursiveAttributes: on });
    assert.deepEqual(parse("rrw"), { ...NOTHING, recursiveAttributes: off });
  });

  test("name the propagation, the last one in force", () => {
    for (const word of ["shared", "slave", "private", "unbindable"]) {
      const flag = `MS_${word.toUpperCase()}` as ConstantName;
      assert.deepEqual(parse(word).propagation, { flag, recursive: false });
      assert.deepEqual(parse("shared", `r${word}`).propagation, { flag, recursive: true });
    }
  });

  test("make a bind, as does its type", () => {
    const binds = (options: readonly string[], type: string | undefined): string =>
      parseMountOptions(options, type, "f").bind;
    assert.equal(binds([], "bind"), "single");
    assert.equal(binds(["bind"], undefined), "single");
    assert.equal(binds(["rbind"], "none"), "recursive");
    assert.equal(binds(["rbind"], "bind"), "recursive");
    assert.equal(binds(["bind"], "ext4"), "single");
    assert.equal(binds([], "ext4"), "no");
  });

  test("hand a new file system its flags", () => {
    for (const flag of ["sync", "dirsync", "lazytime", "mand"]) {
      assert.deepEqual(parse(flag), { ...NOTHING, superblockFlags: [flag] });
    }
  });

  test("say nothing by the words for what is the case anyway", () => {
    for (const word of "async nolazytime nomand silent loud iversion noiversion defaults".split(" ")) {
      assert.deepEqual(parse(word), NOTHING, word);
    }
  });

  test("know the two words that are of the runtime's own making", () => {
    assert.deepEqual(parse("tmpcopyup"), { ...NOTHING, copyUp: true });
    assert.deepEqual(parse("idmap"), { ...NOTHING, idmap: "single" });
    assert.deepEqual(parse("ridmap"), { ...NOTHING, idmap: "recursive" });
  });

  test("ask for a change of what is mounted, with bind of the mount alone", () => {
    assert.deepEqual(parse("remount"), { ...NOTHING, remount: "mount and file system" });
    for (const options of [
      ["bind", "remount"],
      ["remount", "rbind"],
    ])
      assert.deepEqual(parse(...options), { ...NOTHING, remount: "mount" });
  });

  test("leave everything else to the file system, in order, split at the first sign", () => {
    assert.deepEqual(parse("size=64k", "huge", "context=a=b", "empty=").data, [
      ["size", "64k"],
      ["huge", undefined],
      ["context", "a=b"],
      ["empty", ""],
    ]);
    // Not ours although they look like it.
    for (const word of ["RO", "ro ", " ro", "remount ", "rrro", "toString"]) {
      assert.deepEqual(parse(word), { ...NOTHING, data: [[word, undefined]] }, word);
    }
  });

  test("refuse an empty word by the field", () => {
    assert.throws(() => parse("ro", ""), {
      code: "invalid",
      message: 'Cannot use mount option "": it is empty',
      field: "mounts[0].options",
    });
  });
});

suite("of contradicting mount options the last wins", () => {
  for (const [first, last] of [
    ["ro", "rw"],
    ["nosuid", "suid"],
    ["nodev", "dev"],
    ["noexec", "exec"],
    ["rro", "rrw"],
    ["rnoexec", "rexec"],
    ["sync", "async"],
    ["lazytime", "nolazytime"],
    ["mand", "nomand"],
    ["noatime", "strictatime"],
    ["noatime", "relatime"],
    ["strictatime", "noatime"],
    ["rnoatime", "rstrictatime"],
    ["noatime", "atime"],
    ["bind", "rbind"],
    ["idmap", "ridmap"],
  ] as const) {
    test(`${first}, ${last}`, () => {
      const both = parse(first, last);
      const alone = parse(last);
      assert.deepEqual(both.superblockFlags, alone.superblockFlags);
      assert.deepEqual(
        [both.attributes.set, both.recursiveAttributes.set],
        [alone.attributes.set, alone.recursiveAttributes.set],
      );
      assert.deepEqual([both.bind, both.idmap], [alone.bind, alone.idmap]);
      assert.notDeepEqual(parse(last, first), both);
    });
  }
});
