import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { LayerEntry } from "@orlop/core";
import { type Directory, LayerTree } from "./layer-tree.ts";

function entry(path: string, changes: Partial<LayerEntry> = {}): LayerEntry {
  return {
    kind: path.endsWith("/") ? "directory" : "file",
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNanoseconds: 0,
    target: "",
    size: 0,
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
    contentAt: 0,
    content: async function* () {},
    ...changes,
  };
}

const symlink = (path: string, target: string): LayerEntry => entry(path, { kind: "symlink", target });
const hardLink = (path: string, target: string): LayerEntry => entry(path, { kind: "hard-link", target });

function layer(entries: readonly LayerEntry[], below: readonly LayerTree<string>[] = []): LayerTree<string> {
  const tree = new LayerTree<string>(below);
  for (const each of entries) tree.add(each, each.path);
  return tree;
}

/** Each path with what is there: `/` a directory, `!` one that is opaque, `->` a link, `-` a whiteout, else the content. */
function listing({ root }: LayerTree<string>): readonly string[] {
  const lines: string[] = [];
  const list = (directory: Directory, path: string): void => {
    for (const [name, node] of [...directory.children].sort()) {
      const own = `${path}${name}`;
      if (node.kind === "directory") {
        lines.push(`${own}/${node.opaque ? "!" : ""}`);
        list(node, `${own}/`);
      } else if (node.kind === "whiteout") lines.push(`${own} -`);
      else lines.push(node.type === "symlink" ? `${own} -> ${node.target}` : `${own} = ${node.content}`);
    }
  };
  list(root, "");
  return lines;
}

suite("the tree of a layer", () => {
  test("has directories that are only named as parents", () => {
    assert.deepEqual(listing(layer([entry("./a/b/c")])), ["a/", "a/b/", "a/b/c = ./a/b/c"]);
  });

  test("has the last of several entries of a name, and the content of a directory that is described again", () => {
    const tree = layer([entry("d/"), entry("d/x"), entry("d/", { mode: 0o700 }), entry("f"), entry("/f")]);
    assert.deepEqual(listing(tree), ["d/", "d/x = d/x", "f = /f"]);
    const d = tree.root.children.get("d");
    assert.equal(d?.kind === "directory" && d.attributes.mode, 0o700);
  });

  test("loses what was below a directory that becomes a file", () => {
    assert.deepEqual(listing(layer([entry("a/x"), entry("a")])), ["a = a"]);
  });

  test("takes the attributes of its root", () => {
    assert.equal(layer([entry("./", { uid: 7 })]).root.attributes.uid, 7);
  });

  test("puts entries below a link where that points, and never outside", () => {
    const links = [symlink("in", "real/./dir"), symlink("up", "../../.."), symlink("abs", "/real"), entry("real/dir/")];
    const tree = layer([...links, entry("in/1"), entry("up/2"), entry("abs/3"), entry("up/real/dir/4")]);
    assert.deepEqual(
      listing(tree).filter((line) => line.includes("=")),
      ["2 = up/2", "real/3 = abs/3", "real/dir/1 = in/1", "real/dir/4 = up/real/dir/4"],
    );
  });

  test("shares what hard links share", () => {
    const { root } = layer([entry("a"), symlink("d", "."), hardLink("b", "./a"), hardLink("c", "d/b")]);
    assert.equal(root.children.get("b"), root.children.get("a"));
    assert.equal(root.children.get("c"), root.children.get("a"));
  });

  const refused: readonly [what: string, entries: readonly LayerEntry[], error: RegExp][] = [
    ["a path that leaves it", [entry("../x")], /leaves the layer/],
    ["a path through a file", [entry("f"), entry("f/x")], /"f" in its path is not a directory/],
    ["a path through links in a circle", [symlink("a", "b"), symlink("b", "a"), entry("a/x")], /too many links/],
    ["a link to a directory", [entry("d/"), hardLink("l", "d")], /links to a directory/],
    ["a link to the root", [hardLink("l", ".")], /links to a directory/],
    ["a link to nothing", [hardLink("l", "none")], /links to "none", which is not there/],
    ["a whiteout of nothing", [entry(".wh.")], /names no entry/],
    ["a name that is too long", [entry("x".repeat(256))], /longer than 255/],
  ];
  for (const [what, entries, error] of refused) {
    test(`refuses ${what}`, () => {
      assert.throws(() => layer(entries), error);
    });
  }
});

suite("whiteouts", () => {
  test("hide a name, or all that is below in a directory", () => {
    assert.deepEqual(listing(layer([entry(".wh.a"), entry("d/.wh..wh..opq"), entry(".wh..wh.plnk")])), ["a -", "d/!"]);
  });

  test("hide only what the layers below have, whatever the order", () => {
    const entries = [entry("d/x"), entry(".wh.d"), entry("f"), entry(".wh.f"), entry("e/x"), entry("e/.wh..wh..opq")];
    const expected = ["d/!", "d/x = d/x", "e/!", "e/x = e/x", "f = f"];
    assert.deepEqual(listing(layer(entries)), expected);
    assert.deepEqual(listing(layer(entries.toReversed())), expected);
    assert.deepEqual(listing(layer([entry(".wh.d"), entry("d/"), entry("d/x")])), ["d/!", "d/x = d/x"]);
  });

  test("are what overlay has for them, too", () => {
    assert.deepEqual(listing(layer([entry("a", { kind: "character-device" })])), ["a -"]);
  });
});

suite("a layer over others", () => {
  const lowest = layer([
    entry("d/", { mode: 0o1777, uid: 5 }),
    symlink("lib", "usr/lib"),
    entry("usr/lib/"),
    entry("f"),
  ]);

  test("describes a directory that it only goes through as they do", () => {
    const tree = layer([entry("d/x"), entry("new/x")], [layer([entry("other")], [lowest]), lowest]);
    const modes = ["d", "new"].map((name) => {
      const node = tree.root.children.get(name);
      return node?.kind === "directory" ? [node.attributes.mode, node.attributes.uid] : [];
    });
    assert.deepEqual(modes, [
      [0o1777, 5],
      [0o755, 0],
    ]);
  });

  test("goes through their links", () => {
    assert.deepEqual(listing(layer([entry("lib/x")], [lowest])), ["usr/", "usr/lib/", "usr/lib/x = lib/x"]);
  });

  test("does not see what has been hidden in between, or hides itself", () => {
    const expected = ["lib/", "lib/x = lib/x"];
    assert.deepEqual(listing(layer([entry("lib/x")], [layer([entry(".wh.lib")]), lowest])), expected);
    assert.deepEqual(listing(layer([entry("lib/x")], [layer([entry(".wh..wh..opq")]), lowest])), expected);
    assert.deepEqual(listing(layer([entry(".wh.lib"), entry("lib/x")], [lowest])), ["lib/!", "lib/x = lib/x"]);
  });

  test("refuses a path through a file of theirs, and a link to one", () => {
    assert.throws(() => layer([entry("f/x")], [lowest]), /"f" in its path is not a directory/);
    assert.throws(() => layer([hardLink("l", "f")], [lowest]), { code: "unsupported" });
    assert.throws(() => layer([entry(".wh.f"), hardLink("l", "f")], [lowest]), /not there/);
  });
});
