import { existsSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { OrlopError, stringifyJson } from "@orlop/core";
import { readCgroupLayout, systemFailure } from "@orlop/kernel";
import { callPath } from "../call-path.ts";
import { exampleSpec } from "../example-spec.ts";
import type { Verb } from "../verb.ts";

const CONFIG = "config.json";

export const specVerb: Verb = {
  name: "spec",
  usage: "",
  description: `Writes a config.json to start from: a shell under a terminal, with few capabilities, on the read-
only root file system in the directory 'rootfs'. Change it as you like; the runtime-spec says
what there is. With --rootless the container can be made without privileges.`,
  flags: [
    {
      name: "bundle",
      short: "b",
      kind: "text",
      value: "DIR",
      help: "Directory to write it to (the working directory)",
    },
    { name: "file", short: "f", kind: "text", value: "FILE", help: "What to write it to (config.json)" },
    { name: "rootless", kind: "switch", help: "For a container without privileges" },
  ],
  words: [0, 0],
  async run({ call, given }) {
    const path = resolve(callPath(call, given.filledText("bundle") ?? "."), given.filledText("file") ?? CONFIG);
    if (existsSync(path)) throw exists(path);
    const spec = exampleSpec({
      isUnifiedCgroup: readCgroupLayout().mode === "v2",
      ...(given.isOn("rootless") ? { rootless: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } } : {}),
    });
    try {
      writeFileSync(path, `${stringifyJson(spec, 4)}\n`, { flag: "wx", mode: 0o666 & ~call.umask });
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "EEXIST"
        ? exists(path)
        : systemFailure(`write config "${path}"`, error);
    }
    return 0;
  },
};

/** In runc's words. */
function exists(path: string): OrlopError {
  return new OrlopError("exists", `Cannot write config "${path}": File ${basename(path)} exists. Remove it first`);
}
