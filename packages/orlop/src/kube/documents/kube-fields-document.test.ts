import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { kubeFieldsDocument } from "./kube-fields-document.ts";

const DOCUMENT = join(import.meta.dirname, "../../../../../docs/pods.md");
const MARK = "<!-- written by packages/orlop/src/kube/documents/kube-fields-document.test.ts -->\n\n";

test("the documentation has every field of Kubernetes' documents", () => {
  const [words = ""] = readFileSync(DOCUMENT, "utf8").split(MARK);
  const wanted = `${words}${MARK}${kubeFieldsDocument()}`;
  if (process.env.ORLOP_GOLDEN === "write") writeFileSync(DOCUMENT, wanted);
  assert.equal(readFileSync(DOCUMENT, "utf8"), wanted, "docs/pods.md differs: set ORLOP_GOLDEN=write to renew it");
});
