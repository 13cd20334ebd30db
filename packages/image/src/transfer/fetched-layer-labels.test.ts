import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Descriptor } from "@orlop/core";
import { fetchedLayerLabels } from "./fetched-layer-labels.ts";

const descriptor = (number: number, annotations?: Record<string, string>): Descriptor => {
  const digest = `sha256:${String(number).padStart(64, "0")}` as const;
  return { mediaType: "x", digest, size: 1, ...(annotations === undefined ? {} : { annotations }) };
};

suite("what a snapshotter is told of a layer that it may fetch", () => {
  const image = (layers: readonly Descriptor[]) => ({ reference: "r.example/a:1", manifest: descriptor(0), layers });

  test("has annotations of the layer that are for snapshotters, and nothing else of them", () => {
    const annotations = { "containerd.io/snapshot/stargz/toc.digest": "sha256:toc", other: "x" };
    const labels = fetchedLayerLabels(image([descriptor(1, annotations)]), 0, "sha256:chain");
    assert.deepEqual(labels, {
      "containerd.io/snapshot/stargz/toc.digest": "sha256:toc",
      "containerd.io/snapshot.ref": "sha256:chain",
      "containerd.io/snapshot/cri.image-ref": "r.example/a:1",
      "containerd.io/snapshot/cri.manifest-digest": descriptor(0).digest,
      "containerd.io/snapshot/cri.layer-digest": descriptor(1).digest,
      "containerd.io/snapshot/cri.image-layers": descriptor(1).digest,
    });
  });

  test("names as many of the layers above as fit into a label of containerd's", () => {
    const layers = Array.from({ length: 100 }, (_, index) => descriptor(index));
    const name = "containerd.io/snapshot/cri.image-layers";
    const named = fetchedLayerLabels(image(layers), 3, "sha256:chain")[name]?.split(",") ?? [];
    assert.deepEqual(
      named,
      layers.slice(3, 3 + named.length).map(({ digest }) => digest),
    );
    const length = name.length + named.join(",").length;
    assert.ok(length <= 4096 && length + 72 > 4096);
  });
});
