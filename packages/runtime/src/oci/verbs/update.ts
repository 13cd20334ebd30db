import { decodeLinuxResources, type LinuxResources, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { SchemataChange } from "../../resctrl/change-schemata.ts";
import type { GivenArguments } from "../arguments/given-arguments.ts";
import type { Call } from "../call.ts";
import { callPath } from "../call-path.ts";
import { containerId } from "../container-id.ts";
import { readJsonFile } from "../read-json-file.ts";
import { flagResources, RESOURCE_FLAGS } from "../resource-flags.ts";
import type { Verb } from "../verb.ts";

export const updateVerb: Verb = {
  name: "update",
  usage: "CONTAINER",
  description: `Changes limits of a container; what is not named stays as it is.

The file of --resources has the members of linux.resources of a config.json, such as
   {"memory": {"limit": 67108864}, "cpu": {"quota": 50000, "period": 100000}}
Rules for devices in it are left out: callers pass the rules of the config along, which are in
force already, and others may have opened devices since.`,
  flags: [
    { name: "resources", short: "r", kind: "text", value: "FILE", help: "Read them from a file, - for standard input" },
    ...RESOURCE_FLAGS,
    { name: "l3-cache-schema", kind: "text", value: "SCHEMA", help: "Portions of caches, of Intel RDT" },
    { name: "mem-bw-schema", kind: "text", value: "SCHEMA", help: "Memory bandwidth, of Intel RDT" },
  ],
  words: [1, 1],
  async run({ call, given, log, containers }) {
    const id = containerId(given);
    const { devices, ...resources } = await wantedResources(call, given);
    if (devices !== undefined) log.debug("rules for devices are left as they are");
    const all = await containers();
    const { status } = await all.state(id);
    if (status === "stopped") {
      throw new OrlopError("conflict", `Cannot update container "${id}": it is stopped (container not running)`);
    }
    await all.update(id, resources, wantedSchemata(given));
    return 0;
  },
};

function wantedSchemata(given: GivenArguments): SchemataChange {
  const [l3CacheSchema, memBwSchema] = ["l3-cache-schema", "mem-bw-schema"].map((name) => given.filledText(name));
  return {
    ...(l3CacheSchema === undefined ? {} : { l3CacheSchema }),
    ...(memBwSchema === undefined ? {} : { memBwSchema }),
  };
}

async function wantedResources(call: Call, given: GivenArguments): Promise<LinuxResources> {
  const file = given.filledText("resources");
  if (file === undefined) return flagResources(given);
  const other = RESOURCE_FLAGS.find(({ name }) => given.filledText(name) !== undefined);
  if (other !== undefined) {
    throw new OrlopError("invalid", `Cannot use flag "--${other.name}": --resources says all that is to change`);
  }
  return decodeLinuxResources(file === "-" ? await call.readInput() : resourceBytes(callPath(call, file)));
}

function resourceBytes(path: string): Uint8Array {
  try {
    return readJsonFile(path);
  } catch (error) {
    throw systemFailure(`read resources "${path}"`, error);
  }
}
