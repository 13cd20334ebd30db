import { OrlopError } from "@orlop/core";
import { readStoredImage } from "@orlop/image";
import { openTarImage } from "@orlop/image/files";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { applyChanges } from "../commit/apply-changes.ts";
import { newName } from "../images/image-name.ts";
import { tellImage } from "../images/tell-image.ts";
import { printText } from "../print.ts";
import { readPlatform } from "../run/podman-options.ts";
import { openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { SIGNATURE_POLICY_FLAG } from "./image-verifiers.ts";
import { takeIn } from "./take-in.ts";

export const importCommand: Command = {
  name: "import",
  usage: "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
  description:
    "Makes an image of one layer of a tar archive of a root file system, compressed or not; - is standard input. Without a name " +
    "it has its digest for one.",
  examples: [
    ["orlop import -c 'CMD [\"sh\"]' rootfs.tar.gz base:1", "of a file"],
    ["tar -C rootfs -c . | orlop import - base:1", "of a directory"],
  ],
  table: {
    flags: [
      {
        name: "change",
        short: "c",
        value: "INSTRUCTION",
        help:
          "A line of a Dockerfile to apply: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or " +
          "WORKDIR; can be given several times",
      },
      { name: "message", short: "m", value: "TEXT", help: "What it is, for its history" },
      { name: "platform", value: "OS/ARCH[/VARIANT]", emptyIsNone: true, help: "What it is for (this machine)" },
      { name: "arch", value: "ARCH", help: "The same for this architecture" },
      { name: "os", value: "OS", help: "The same for an operating system" },
      { name: "variant", value: "VARIANT", help: "The same for a variant of the architecture" },
      { name: "quiet", short: "q", help: "Show no progress, of which there is none anyway" },
      SIGNATURE_POLICY_FLAG,
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const [file, target, ...others] = flags.positional;
    if (file === undefined || others.length > 0) {
      throw new OrlopError("invalid", `a file and at most a name are taken, and there are ${flags.positional.length}`);
    }
    if (/^https?:\/\//.test(file)) {
      throw new OrlopError("unsupported", `Cannot import "${file}": there are files and standard input only`);
    }
    if (file === "-" && caller().isTerminal(0)) {
      throw new OrlopError("invalid", "requested import from stdin, but stdin is a terminal; redirect it");
    }
    const wanted = target === undefined ? undefined : newName(target);
    const platform = readPlatform(flags, ownPlatform()) ?? ownPlatform();
    const config = applyChanges({}, flags.list("change"));
    const created = new Date().toISOString();
    const comment = flags.text("message") ?? `Imported from ${file}`;
    await using depot = openDepot();
    using cancel = new CancelOnSignals();
    const { signal } = cancel;
    const input = file === "-" ? caller().stdin : file;
    const name = file === "-" ? {} : { name: file };
    const history = { created, comment };
    await using source = await openTarImage(input, { ...name, platform, config, created, history, signal });
    const image = source.image();
    const taken = { source, origin: { transport: "tarball" }, image, name: wanted ?? image.target.digest };
    await takeIn(depot, taken, { platform, signaturePolicy: flags.text("signature-policy"), signal });
    const { config: stored } = await readStoredImage(depot.content, image.target, platform);
    tellImage(depot.database, "import", stored.digest, wanted);
    printText(`${stored.digest}\n`);
    return 0;
  },
};
