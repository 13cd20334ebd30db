import { OrlopError, type Platform } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { collectAfterwards } from "../gc/collect-afterwards.ts";
import { parseImageReference } from "../image/image-reference.ts";
import { printText } from "../print.ts";
import { readPlatform } from "../run/podman-options.ts";
import { openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { allTags } from "./all-tags.ts";
import { SIGNATURE_POLICY_FLAG } from "./image-verifiers.ts";
import { type PullRequest, pull } from "./pull.ts";
import { REGISTRY_FLAGS, registryOptions } from "./registry-flags.ts";

export const pullCommand: Command = {
  name: "pull",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  description:
    "Brings images to this machine, and makes root file systems of their layers while they come. What a pull that was cut " +
    "off has brought is there for the next one.\n\n" +
    "IMAGE is a name as docker takes it (busybox is docker.io/library/busybox:latest), oci:PATH[:NAME] (an OCI image " +
    "layout), oci-archive:PATH[:NAME] or docker-archive:PATH[:NAME] (in a tar archive), tar:PATH or dir:PATH (a " +
    "root file system), host (this machine's, without what is mounted below it, for root), or debian:SUITE?[packages=A,B][&variant=...] (made here of the packages of this machine's mirror; ubuntu:SUITE?... as " +
    "well). An image of an archive or a layout that has no name there gets its digest for one.",
  examples: [
    ["orlop pull registry.example/app:1.2", "an image by its tag"],
    ["orlop pull --platform linux/arm64 registry.example/app", "one for another processor"],
    ["orlop pull 'debian:bookworm?packages=busybox-static'", "an image without a registry"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [
      {
        name: "platform",
        value: "OS/ARCH[/VARIANT]",
        emptyIsNone: true,
        help: "Of an image for several platforms, take this one",
      },
      { name: "arch", value: "ARCH", help: "The same for this architecture" },
      { name: "os", value: "OS", help: "The same for an operating system" },
      { name: "variant", value: "VARIANT", help: "The same for a variant of the architecture" },
      { name: "all-platforms", help: "Take all of them, to copy the image elsewhere" },
      { name: "all-tags", short: "a", help: "Take the images of all tags of a repository" },
      { name: "quiet", short: "q", help: "Show no progress" },
      SIGNATURE_POLICY_FLAG,
      ...REGISTRY_FLAGS,
    ],
    refused: [{ name: "disable-content-trust", isSwitch: true, reason: "docker's notary is not asked for anything" }],
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length === 0) throw new OrlopError("invalid", "an image is required");
    const platform = platformOf(readPlatform(flags, ownPlatform()), flags.isOn("all-platforms"));
    const named = flags.positional.map((text) => parseImageReference(text, caller().cwd));
    const quiet = flags.isOn("quiet");
    const registry = registryOptions(flags);
    const signaturePolicy = flags.text("signature-policy");
    const isAllTags = flags.isOn("all-tags");
    const references = isAllTags ? (await Promise.all(named.map((each) => allTags(each, registry)))).flat() : named;
    await using depot = openDepot();
    for (const reference of references) {
      const request: PullRequest = {
        reference,
        quiet,
        registry,
        signaturePolicy,
        ...(platform === undefined ? {} : { platform }),
      };
      const { name } = await pull(depot, request);
      printText(`${name}\n`);
    }
    await collectAfterwards(depot);
    return 0;
  },
};

function platformOf(platform: Platform | undefined, isAll: boolean): Platform | "all" | undefined {
  if (!isAll) return platform;
  if (platform === undefined) return "all";
  throw new OrlopError("invalid", "--platform and --all-platforms exclude each other");
}
