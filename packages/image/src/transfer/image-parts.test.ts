import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  type Descriptor,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  parsePlatform,
} from "@orlop/core";
import { imageParts } from "./image-parts.ts";

/** A member of an index: a manifest for a platform, or without one, or an index of those. */
type Member =
  | string
  | { readonly silent: string }
  | { readonly attests: string }
  | { readonly index: readonly Member[] };

class Documents {
  readonly #contents = new Map<string, Buffer>();
  readonly names = new Map<string, string>();
  readonly asked: string[] = [];

  add(content: object, mediaType: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;
    this.#contents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(name: string): Descriptor {
    const config = this.add({ name }, "application/x");
    const descriptor = this.add({ schemaVersion: 2, config, layers: [] }, MEDIA_TYPE_IMAGE_MANIFEST);
    this.names.set(descriptor.digest, name);
    return descriptor;
  }

  member(member: Member): Descriptor {
    if (typeof member === "string") {
      const [platform = ""] = member.split(" ");
      return { ...this.manifest(member), platform: parsePlatform(platform) };
    }
    if ("silent" in member) return this.manifest(member.silent);
    if ("index" in member) return this.index(member.index);
    return {
      ...this.manifest(member.attests),
      platform: { os: "linux", architecture: "amd64" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    };
  }

  index(members: readonly Member[]): Descriptor {
    const manifests = members.map((member) => this.member(member));
    return this.add({ schemaVersion: 2, manifests }, MEDIA_TYPE_IMAGE_INDEX);
  }

  readonly read = async ({ digest }: Descriptor): Promise<Buffer> => {
    this.asked.push(digest);
    return this.#contents.get(digest) ?? assert.fail(digest);
  };
}

async function chosen(members: readonly Member[], platform: string): Promise<string | undefined> {
  const documents = new Documents();
  const parts = await imageParts(documents.read, documents.index(members), { platform: parsePlatform(platform) });
  return documents.names.get(parts[0]?.descriptor.digest ?? "");
}

describe("of an index the manifest for a platform", () => {
  const cases: readonly [what: string, members: readonly Member[], platform: string, chosen: string][] = [
    ["is the best, not the first", ["linux/386", "linux/arm64", "linux/amd64"], "linux/amd64", "linux/amd64"],
    ["is the nearest older variant", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], "linux/arm/v7", "linux/arm/v6"],
    ["is the first of equals", ["linux/amd64 one", "linux/amd64 two"], "linux/amd64", "linux/amd64 one"],
    ["is one of 32 bits where there is no other", ["linux/arm64", "linux/386"], "linux/amd64", "linux/386"],
    ["is no attestation", [{ attests: "a" }, "linux/amd64"], "linux/amd64", "linux/amd64"],
    ["is one that says nothing, last of all", [{ silent: "s" }, "linux/386"], "linux/amd64", "linux/386"],
    ["is one that says nothing, rather than none", ["linux/arm64", { silent: "s" }], "linux/amd64", "s"],
    [
      "is found in nested indexes",
      [{ index: ["linux/arm64", { index: ["linux/amd64"] }] }],
      "linux/amd64",
      "linux/amd64",
    ],
    [
      "is the best of all nested indexes",
      ["linux/386", { index: ["linux/arm64"] }, { index: ["linux/amd64"] }],
      "linux/amd64",
      "linux/amd64",
    ],
    [
      "is the one outside where none in nested indexes is better",
      ["linux/amd64/v2", { index: ["linux/amd64"] }],
      "linux/amd64/v3",
      "linux/amd64/v2",
    ],
  ];
  for (const [what, members, platform, expected] of cases) {
    test(what, async () => assert.equal(await chosen(members, platform), expected));
  }

  test("is found without a look into nested indexes where one is for exactly the platform", async () => {
    const documents = new Documents();
    const index = documents.index([{ index: ["linux/amd64 nested"] }, "linux/amd64"]);
    await imageParts(documents.read, index, { platform: parsePlatform("linux/amd64") });
    assert.equal(documents.asked.length, 2);
  });

  test("is missing with an error that names what there is", async () => {
    const members: readonly Member[] = ["linux/arm64", "linux/arm/v6", { attests: "a" }];
    const message = "Cannot find an image for linux/amd64, it has linux/arm64, linux/arm/v6";
    await assert.rejects(chosen(members, "linux/amd64"), { code: "not-found", message });
  });

  test("is missing with the platforms that are there where the index names more than was kept", async () => {
    const documents = new Documents();
    const index = documents.index(["linux/amd64", "linux/arm64", "linux/arm/v6", { attests: "a" }]);
    const lacking = (...names: readonly string[]) => {
      return async (descriptor: Descriptor): Promise<Buffer> => {
        const name = documents.names.get(descriptor.digest) ?? "";
        if (names.includes(name)) throw new OrlopError("not-found", `no ${name}`);
        return await documents.read(descriptor);
      };
    };
    const platform = parsePlatform("linux/amd64");
    const what = "its index names one, and of what that names only linux/arm64, linux/arm/v6 is here";
    const message = `Cannot find an image for linux/amd64: ${what}\nTry the platform linux/arm64.`;
    await assert.rejects(imageParts(lacking("linux/amd64"), index, { platform }), { code: "not-found", message });
    const nothing = lacking("linux/amd64", "linux/arm64", "linux/arm/v6");
    await assert.rejects(imageParts(nothing, index, { platform }), { code: "not-found", message: "no linux/amd64" });
  });

  test("is not searched for without end", async () => {
    const deep = (depth: number): Member => (depth === 0 ? "linux/amd64" : { index: [deep(depth - 1)] });
    assert.equal(await chosen([deep(3)], "linux/amd64"), "linux/amd64");
    await assert.rejects(chosen([deep(4)], "linux/amd64"), { code: "exhausted", message: /nested more than 4 deep/ });
  });
});
