import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DockerClient, dockerClientObstacle } from "./docker-client-fixture.ts";
import { EXAMPLE_JSON, TEMPLATE_CASES } from "./template/template-cases-fixture.ts";

/** Stands in no template and in nothing that is printed. */
const MARK = "§";

describe("what our cases say of docker's client is true", { skip: await dockerClientObstacle() }, () => {
  let docker: DockerClient;
  before(async () => {
    docker = await DockerClient.start({ "/images/example/json": EXAMPLE_JSON });
  });
  after(async () => await docker[Symbol.asyncDispose]());

  const inspect = async (template: string) =>
    await docker.run("image", "inspect", "--format", `${MARK}${template}${MARK}`, "example");

  test("together", async () => {
    const { stdout, stderr } = await inspect(TEMPLATE_CASES.map(([template]) => template).join(MARK));
    assert.equal(stderr, "");
    assert.deepEqual(
      stdout.split(MARK).slice(1, -1),
      TEMPLATE_CASES.map(([, printed]) => printed),
    );
  });

  // By this name docker has the fields only where it takes the answer for a map.
  test("where it looks at the answer itself", async () => {
    assert.equal((await inspect("{{.Id}}")).stdout, `${MARK}${EXAMPLE_JSON.Id}${MARK}\n`);
  });
});
