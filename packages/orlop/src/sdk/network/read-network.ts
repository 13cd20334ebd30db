import { OrlopError, parseName } from "@orlop/core";
import { DEFAULT_NETWORK, type NetworkChoice } from "../../run/network-options.ts";
import { checkOptions, isText, type OptionCheck } from "../check-options.ts";
import { inField } from "../option-failure.ts";
import type { NetworkRequest, SandboxOptions } from "../sandbox-options.ts";
import { parseTarget } from "./parse-target.ts";

const CHECKS: Readonly<Record<keyof NetworkRequest, OptionCheck>> = {
  name: isText,
  allow: (value) =>
    Array.isArray(value) && value.every((each) => typeof each === "string") ? undefined : "it is an array of strings",
};

/** What `network` asks for. */
interface SandboxNetworkChoice {
  readonly choice: NetworkChoice;
  /** Name of a network that it is to be connected with. */
  readonly network?: string;
  /** Absent: all. */
  readonly allow?: readonly string[];
}

/** @throws OrlopError `invalid`, `unsupported` */
export function readNetwork(asked: SandboxOptions["network"] = "none"): SandboxNetworkChoice {
  if (asked === "none" || asked === "host") return { choice: { kind: asked === "host" ? "host" : "none" } };
  const request: NetworkRequest = typeof asked === "string" ? { name: asked } : asked;
  checkOptions('create sandbox: option "network"', request, CHECKS);
  const { name = DEFAULT_NETWORK, allow } = request;
  for (const target of allow ?? []) inField("network", () => parseTarget(target));
  if (name === "none" || name === "host") {
    const what = `there is nothing to allow or to forbid on network "${name}"`;
    throw new OrlopError("invalid", `Cannot create sandbox: option "network": ${what}`, { field: "network" });
  }
  const network = inField("network", () => parseName(name));
  return {
    choice: { kind: "networks", attachments: [{ network, aliases: [] }], ports: [] },
    network,
    ...(allow === undefined ? {} : { allow }),
  };
}
