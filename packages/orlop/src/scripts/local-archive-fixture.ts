import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What dpkg wants to see, and what scripts here use. */
const PROGRAMS = ["sh", "cat", "chmod", "cp", "diff", "mkdir", "rm", "tar", "ldconfig", "start-stop-daemon"];
const DPKG = ["dpkg", "dpkg-deb", "dpkg-query", "dpkg-split", "dpkg-trigger"];
const MERGED = ["bin", "sbin", "lib", "lib64"];

export interface LocalPackage {
  readonly name: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly preinst?: string;
  readonly postinst?: string;
}

/** Why there can be no such archive. */
export function archiveObstacle(): string | undefined {
  const missing = [...DPKG, "gpg", "gpgconf", "ldd"].find(
    (program) => spawnSync(program, ["--version"]).error !== undefined,
  );
  if (missing !== undefined) return `there is no ${missing}`;
  return realpathSync("/bin") === "/usr/bin" ? undefined : "this machine's /bin is no link";
}

/**
 * An archive of Debian's packages in a directory, signed: one, `tools`, with this machine's own dpkg and shell, and those of the
 * test.
 */
export class LocalArchive {
  readonly directory: string;
  readonly #architecture = execFileSync("dpkg", ["--print-architecture"]).toString().trim();
  readonly #stanzas: string[] = [];

  constructor(directory: string, packages: readonly LocalPackage[]) {
    this.directory = directory;
    mkdirSync(join(directory, "pool"), { recursive: true });
    this.#add({ name: "tools" }, stageTools);
    for (const each of packages) this.#add(each, () => {});
    this.#publish();
  }

  /** An image with these packages. */
  image(...packages: readonly string[]): string {
    const keyring = join(this.directory, "keyring.gpg");
    const query = `packages=${["tools", ...packages].join(",")}&mirror=file://${this.directory}&keyring=${keyring}`;
    return `debian:test?${query}&scripts=yes`;
  }

  #add({ name, fields = {}, preinst, postinst }: LocalPackage, fill: (root: string) => void): void {
    const root = join(this.directory, "staged", name);
    mkdirSync(join(root, "DEBIAN"), { recursive: true });
    fill(root);
    const all = {
      Package: name,
      Version: "1",
      Architecture: this.#architecture,
      Maintainer: "Nobody <nobody@example.org>",
      Description: name,
      ...fields,
    };
    const control = Object.entries(all).map(([field, value]) => `${field}: ${value}\n`);
    writeFileSync(join(root, "DEBIAN/control"), control.join(""));
    for (const [script, text] of Object.entries({ preinst, postinst })) {
      if (text !== undefined)
        writeFileSync(join(root, "DEBIAN", script), `#!/bin/sh\nset -e\n${text}\n`, { mode: 0o755 });
    }
    const path = `pool/${name}_1.deb`;
    const env = { ...process.env, SOURCE_DATE_EPOCH: "1700000000" };
    const args = ["--root-owner-group", "-Znone", "--build", root, join(this.directory, path)];
    execFileSync("dpkg-deb", args, { env, stdio: "pipe" });
    const bytes = readFileSync(join(this.directory, path));
    this.#stanzas.push(`${control.join("")}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`);
  }

  #publish(): void {
    const dists = join(this.directory, "dists/test");
    const index = `main/binary-${this.#architecture}/Packages`;
    mkdirSync(dirname(join(dists, index)), { recursive: true });
    const list = Buffer.from(this.#stanzas.join("\n"));
    writeFileSync(join(dists, index), list);
    const release = [
      "Suite: test",
      `Date: ${new Date().toUTCString()}`,
      `Architectures: ${this.#architecture}`,
      "Components: main",
      "SHA256:",
      ` ${sha256(list)} ${list.length} ${index}`,
      "",
    ];
    const home = join(this.directory, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    const gpg = (args: readonly string[], input = ""): Buffer =>
      execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...args], {
        input,
        stdio: "pipe",
      });
    try {
      gpg(["--quick-generate-key", "Test <test@example.org>", "ed25519", "sign", "0"]);
      writeFileSync(join(dists, "InRelease"), gpg(["--clearsign"], release.join("\n")));
      writeFileSync(join(this.directory, "keyring.gpg"), gpg(["--export"]));
    } finally {
      // Its agent would outlive us.
      spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    }
  }
}

function stageTools(root: string): void {
  for (const name of MERGED) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of ["proc", "sys", "dev", "etc", "var/log"]) mkdirSync(join(root, name), { recursive: true });
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".split(":");
  for (const program of [...PROGRAMS, ...DPKG]) {
    const found = path.map((each) => join(each, program)).find((each) => statSync(each, { throwIfNoEntry: false }));
    if (found === undefined) throw new Error(`there is no ${program}`);
    stage(root, found);
    // ldconfig of Debian is static, that of others a script.
    const { stdout } = spawnSync("ldd", [found]);
    for (const [library] of stdout.toString().matchAll(/\/\S+(?= \(0x)/g)) stage(root, library);
  }
}

/** At the place that it is called by, whatever that leads to. */
function stage(root: string, path: string): void {
  const to = join(root, realpathSync(dirname(path)), path.slice(path.lastIndexOf("/") + 1));
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(path), to);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
