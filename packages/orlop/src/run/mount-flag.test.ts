import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMount } from "./mount-flag.ts";

const options = (text: string): readonly string[] | undefined => parseMount(text, "/here").mount.options;

test("a bind comes without what is mounted below, in either spelling", () => {
  for (const how of ["bind-recursive=disabled", "bind-nonrecursive", "bind-nonrecursive=true"]) {
    assert.deepEqual(options(`type=bind,src=/a,dst=/b,ro,${how}`), ["bind", "ro", "rprivate"], how);
  }
  assert.throws(() => options("type=bind,src=/a,dst=/b,bind-nonrecursive,bind-recursive=enabled"), { code: "invalid" });
});

test("memory has podman's spellings, and what the image has there where that is asked for", () => {
  assert.deepEqual(options("type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=755,tmpcopyup"), [
    ...["noexec", "nosuid", "nodev", "tmpcopyup", "size=1048576", "mode=755"],
  ]);
  assert.equal(options("type=tmpfs,dst=/b,notmpcopyup")?.includes("tmpcopyup"), false);
  assert.throws(() => options("type=tmpfs,dst=/b,tmpcopyup,notmpcopyup"), { code: "invalid" });
});

test("labels are nothing to change where SELinux is off, and refused where it is on", () => {
  const text = "type=bind,src=/a,dst=/b,relabel=shared";
  assert.deepEqual(options(text), options("type=bind,src=/a,dst=/b"));
  assert.throws(() => parseMount(text, "/", { selinux: true }), { code: "unsupported", message: /SELinux labels/ });
  assert.throws(() => options("type=bind,src=/a,dst=/b,relabel=all"), { code: "invalid" });
});

test("files are given away where that is asked for", () => {
  for (const text of [
    "type=bind,src=/a,dst=/b,U=true",
    "type=volume,src=data,dst=/b,U",
    "type=bind,src=/a,dst=/b,chown",
  ]) {
    assert.equal(parseMount(text, "/").isGiven, true, text);
  }
  assert.notEqual(parseMount("type=volume,src=data,dst=/b,U=false", "/").isGiven, true);
  assert.throws(() => parseMount("type=tmpfs,dst=/b,U=true", "/"), { code: "invalid", message: /unexpected key/ });
});

test("options that are not done are refused by their names", () => {
  for (const option of ["consistency=cached", "volume-subpath=a", "volume-driver=x", "volume-opt=a=b", "idmap"]) {
    const name = option.replace(/=.*/, "");
    assert.throws(() => options(`type=volume,src=data,dst=/b,${option}`), {
      code: "unsupported",
      message: new RegExp(`mount option "${name}"`, "i"),
    });
  }
  assert.throws(() => options("type=bind,src=/a,dst=/b,nonsense=1"), { code: "invalid", message: /unexpected key/ });
});
