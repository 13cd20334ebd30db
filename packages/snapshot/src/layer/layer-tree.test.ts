import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { LayerEntry } from "@orlop/core";
import { LayerTree } from "./layer-tree.ts";
import type { LowerDirectory, LowerLayer, LowerLeaf, LowerNode } from "./lower-layer.ts";
import type { Directory, Leaf } from "./tree-node.ts";

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
    contentAt: undefined,
    content: async function* () {},
    ...changes,
  };
}

const symlink = (path: string, target: string): LayerEntry => entry(path, { kind: "symlink", target });
const hardLink = (path: string, target: string): LayerEntry => entry(path, { kind: "hard-link", target });

function layer(entries: readonly LayerEntry[], below: readonly LayerTree<string>[] = []): LayerTree<string> {
  const tree = new LayerTree<string>({ below: below.map(asLower), copy: (_, path) => `copied for ${path}` });
  for (const each of entries) tree.add(each, each.path);
  return tree;
}

/** As `layer`, with layers below that are known only in the end. */
function rebased(entries: readonly LayerEntry[], below: readonly LayerTree<string>[]): LayerTree<string> {
  const tree = new LayerTree<string>({ copy: (_, path) => `copied for ${path}` });
  for (const each of entries) tree.add(each, each.path);
  tree.settle(below.map(asLower));
  return tree;
}

function asLower(tree: LayerTree<string>): LowerLayer {
  const nodes = new Map<Leaf<unknown>, LowerLeaf>();
  const directory = ({ attributes, opaque, children }: Directory): LowerDirectory => ({
    kind: "directory",
    attributes,
    opaque,
    find(name): LowerNode | undefined {
      const child = children.get(name);
      if (child === undefined || child.kind === "whiteout") return child;
      if (child.kind === "directory") return directory(child);
      assert.ok(child.kind === "leaf");
      const leaf = nodes.get(child) ?? { ...child, content: () => [] };
      nodes.set(child, leaf);
      return leaf;
    },
    names: () => children.keys(),
  });
  return { root: directory(tree.root) };
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
      else if (node.kind === "open-link") lines.push(`${own} ?`);
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

const lowest = layer([
  entry("d/", { mode: 0o1777, uid: 5 }),
  entry("d/sub/", { mode: 0o711 }),
  symlink("lib", "usr/lib"),
  entry("usr/lib/", { mode: 0o750 }),
  entry("f"),
  hardLink("g", "f"),
]);

for (const [how, make] of [
  ["a layer over others", layer],
  ["a layer that is put on others in the end", rebased],
] as const) {
  suite(how, () => {
    test("describes a directory that it only goes through as they do", () => {
      const tree = make([entry("d/sub/x"), entry("new/x")], [layer([entry("other")], [lowest]), lowest]);
      const modes = ["d", "new"].map((name) => {
        const node = tree.root.children.get(name);
        return node?.kind === "directory" ? [node.attributes.mode, node.attributes.uid] : [];
      });
      assert.deepEqual(modes, [
        [0o1777, 5],
        [0o755, 0],
      ]);
    });

    test("has the root that they have, unless it describes its own", () => {
      const below = layer([entry("./", { uid: 9 })]);
      assert.equal(make([entry("x")], [below]).root.attributes.uid, 9);
      assert.equal(make([entry("./", { uid: 3 })], [below]).root.attributes.uid, 3);
    });

    test("goes through their links", () => {
      const tree = make([entry("lib/x"), entry("lib/sub/y"), entry("usr/lib/sub/z")], [lowest]);
      const expected = [
        "usr/",
        "usr/lib/",
        "usr/lib/sub/",
        "usr/lib/sub/y = lib/sub/y",
        "usr/lib/sub/z = usr/lib/sub/z",
      ];
      assert.deepEqual(listing(tree), [...expected, "usr/lib/x = lib/x"]);
      const usr = tree.root.children.get("usr");
      const lib = usr?.kind === "directory" ? usr.children.get("lib") : undefined;
      assert.equal(lib?.kind === "directory" && lib.attributes.mode, 0o750);
    });

    test("does not see what has been hidden in between, or hides itself", () => {
      const expected = ["lib/", "lib/x = lib/x"];
      assert.deepEqual(listing(make([entry("lib/x")], [layer([entry(".wh.lib")]), lowest])), expected);
      assert.deepEqual(listing(make([entry("lib/x")], [layer([entry(".wh..wh..opq")]), lowest])), expected);
      assert.deepEqual(listing(make([entry(".wh.lib"), entry("lib/x")], [lowest])), ["lib/!", "lib/x = lib/x"]);
    });

    test("takes over files of theirs that it links to, those that are one as one", () => {
      const tree = make([hardLink("l", "f"), hardLink("lib/m", "g"), hardLink("n", "l")], [lowest]);
      const { children } = tree.root;
      assert.deepEqual(listing(tree), [
        "l = copied for l",
        "n = copied for l",
        "usr/",
        "usr/lib/",
        "usr/lib/m = copied for l",
      ]);
      assert.equal(children.get("l"), children.get("n"));
    });

    test("links to what was there when it came to the link", () => {
      const tree = make([hardLink("l", "f"), entry(".wh.f")], [lowest]);
      assert.deepEqual(listing(tree), ["f -", "l = copied for l"]);
      assert.deepEqual(listing(make([hardLink("l", "f"), entry("l")], [lowest])), ["l = l"]);
    });

    test("refuses a path through a file of theirs, and a link to what is not there", () => {
      assert.throws(() => make([entry("f/x")], [lowest]), /"f" in its path is not a directory/);
      assert.throws(() => make([entry(".wh.f"), hardLink("l", "f")], [lowest]), /not there/);
      assert.throws(() => make([hardLink("l", "none")], [lowest]), /not there/);
      assert.throws(() => make([hardLink("l", "d")], [lowest]), /links to a directory/);
    });
  });
}

suite("a layer that is put on others in the end", () => {
  test("refuses what depends on the order in which its entries came", () => {
    const unknown = { code: "unsupported", message: /goes through a link of a layer below/ };
    assert.throws(() => rebased([entry("lib/x"), entry("usr/lib/x")], [lowest]), unknown);
    assert.throws(() => rebased([entry("lib/.wh..wh..opq"), entry("lib/x")], [lowest]), unknown);
  });

  test("hides nothing when there are none", () => {
    assert.deepEqual(listing(rebased([entry(".wh.a"), entry("d/.wh.b"), entry("d/.wh..wh..opq")], [])), ["d/"]);
  });

  test("has no links to files that it does not have when they are never known", () => {
    const tree = new LayerTree<string>({ copy: () => assert.fail() });
    tree.add(entry(".wh.gone"), "");
    tree.settle(undefined);
    assert.deepEqual(listing(tree), ["gone -"]);
    const linked = new LayerTree<string>({ copy: () => assert.fail() });
    linked.add(hardLink("l", "f"), "");
    assert.throws(() => linked.settle(undefined), /not there/);
  });
});
