import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { editImageConfig, editIndex, editManifest } from "./edit-image.ts";
import type { Descriptor } from "./image-spec.ts";

const digest = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;
const descriptor = (digit: string): Descriptor => ({ mediaType: "application/x", digest: digest(digit), size: 1 });

/** As docker writes it: members that no specification names, nulls, numbers that no double holds. */
const CONFIG = `{"architecture":"amd64","container_config":{"Hostname":"x","Env":null},"config":{"Env":["A=1"],"Cmd":["sh"],\
"Volumes":null,"x.custom":{"deep":[18446744073709551615,null]},"Labels":{"b":"2","a":"1"}},"docker_version":"20.10",\
"history":[{"created_by":"one","x":1}],"os":"linux","rootfs":{"type":"layers","diff_ids":["${digest("1")}"],"y":{}},"z":null}`;

const edited = (bytes: Buffer): string => bytes.toString();

describe("an edit of an image's config", () => {
  test("without changes gives the same bytes", () => {
    assert.equal(edited(editImageConfig(CONFIG, {})), CONFIG);
    assert.equal(edited(editImageConfig(CONFIG, { config: {}, diffIds: [], history: [] })), CONFIG);
  });

  test("changes what it names and nothing else", () => {
    assert.equal(
      edited(editImageConfig(CONFIG, { config: { Env: ["A=2", "B=1"] } })),
      CONFIG.replace('"Env":["A=1"]', '"Env":["A=2","B=1"]'),
    );
    assert.equal(edited(editImageConfig(CONFIG, { config: { Cmd: undefined } })), CONFIG.replace('"Cmd":["sh"],', ""));
    assert.equal(
      edited(editImageConfig(CONFIG, { config: { WorkingDir: "/w" } })),
      CONFIG.replace('"Labels":{"b":"2","a":"1"}}', '"Labels":{"b":"2","a":"1"},"WorkingDir":"/w"}'),
    );
    assert.equal(edited(editImageConfig(CONFIG, { author: "me" })), `${CONFIG.slice(0, -1)},"author":"me"}`);
  });

  test("puts a layer and a step of the history on top", () => {
    const step = { created: "2026-01-01T00:00:00Z", created_by: "two" };
    assert.equal(
      edited(editImageConfig(CONFIG, { diffIds: [digest("2")], history: [step] })),
      CONFIG.replace(`"${digest("1")}"`, `"${digest("1")}","${digest("2")}"`).replace(
        '{"created_by":"one","x":1}',
        '{"created_by":"one","x":1},{"created":"2026-01-01T00:00:00Z","created_by":"two"}',
      ),
    );
  });

  test("begins what was not there", () => {
    const bare = '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":null},"config":null}';
    const changed = editImageConfig(bare, { diffIds: [digest("1")], config: { User: "u" }, history: [{}] });
    assert.deepEqual(JSON.parse(edited(changed)), {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [digest("1")] },
      config: { User: "u" },
      history: [{}],
    });
  });

  test("is refused where it is no config before or after", () => {
    assert.throws(() => editImageConfig("{}", {}), { code: "invalid", message: /Cannot decode image config/ });
    assert.throws(() => editImageConfig(CONFIG, { diffIds: ["sha256:x"] }), {
      code: "invalid",
      field: "rootfs.diff_ids[1]",
    });
  });
});

describe("an edit of a manifest", () => {
  const manifest = `{"schemaVersion":2,"x.top":9007199254740993,"config":${JSON.stringify(descriptor("c"))},"layers":[],\
"annotations":{"a":"1","b":"2"}}`;

  test("changes what it names and nothing else", () => {
    const changes = { config: descriptor("d"), layers: [descriptor("1")], annotations: { a: undefined, c: "3" } };
    assert.equal(
      edited(editManifest(manifest, changes)),
      manifest
        .replace(digest("c"), digest("d"))
        .replace("[]", `[${JSON.stringify(descriptor("1"))}]`)
        .replace('"a":"1","b":"2"', '"b":"2","c":"3"'),
    );
    assert.equal(edited(editManifest(manifest, {})), manifest);
  });

  test("is refused where it is no manifest", () => {
    const index = JSON.stringify({ schemaVersion: 2, manifests: [] });
    assert.throws(() => editManifest(index, {}), { code: "invalid" });
  });
});

test("an edit of an index puts other members in the place of those that there were", () => {
  const index = `{"schemaVersion":2,"manifests":[${JSON.stringify(descriptor("1"))}],"x":{}}`;
  assert.equal(edited(editIndex(index, { manifests: [descriptor("2")] })), index.replace(digest("1"), digest("2")));
  assert.equal(
    edited(editIndex(index, { annotations: { a: "1" }, subject: descriptor("3") })),
    `${index.slice(0, -1)},"subject":${JSON.stringify(descriptor("3"))},"annotations":{"a":"1"}}`,
  );
});
