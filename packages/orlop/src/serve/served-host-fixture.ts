import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ClientHost,
  type Daemon,
  DockerRegistry,
  type FixtureEntry,
  LayoutWriter,
  makeBusyboxRootfs,
  makeTar,
  until,
} from "@orlop/testkit";
import { LAUNCHER } from "../e2e/command-fixture.ts";
import { documentedConfiguration } from "./containerd-fixture.ts";

/** containerd with a snapshotter of orlop's and a registry, in namespaces where nothing else is. */
export class ServedHost implements AsyncDisposable {
  readonly host: ClientHost;
  /** Of the image in the registry. */
  readonly image: string;
  readonly #snapshotter: "erofs" | "overlay" | "blockfile";
  readonly #stack: AsyncDisposableStack;
  #server: Daemon | undefined;
  #containerd: Daemon | undefined;
  #starts = 0;

  private constructor(
    snapshotter: "erofs" | "overlay" | "blockfile",
    host: ClientHost,
    image: string,
    stack: AsyncDisposableStack,
  ) {
    this.#snapshotter = snapshotter;
    this.host = host;
    this.image = image;
    this.#stack = stack;
  }

  /** @param layers of the image, above busybox */
  static async start(
    snapshotter: "erofs" | "overlay" | "blockfile",
    layers: readonly (readonly FixtureEntry[])[],
  ): Promise<ServedHost> {
    await using stack = new AsyncDisposableStack();
    const registry = stack.use(await DockerRegistry.start());
    const host = stack.use(await ClientHost.start(`served-${snapshotter}`, { hasOwnNetwork: false }));
    const image = `${registry.host}/served:1`;
    await publish(host, image, layers);
    const served = new ServedHost(snapshotter, host, image, stack.move());
    await served.serve();
    await served.#startContainerd();
    return served;
  }

  /** Where layers are: the kernel mounts no images of files in memory, and no overlay writes to all that tests run on. */
  get state(): string {
    return this.#snapshotter === "erofs" ? join(this.host.directory, "state") : "/run/orlop-state";
  }

  /** Starts the server, and has containerd see it, which waits for a while before it connects again. */
  async serve(): Promise<void> {
    const words = ["--listen", "unix:///run/orlop/snapshotter.sock", "--snapshotter", this.#snapshotter];
    this.#server = this.host.daemon("server", [LAUNCHER, "serve", "snapshotter", ...words, "--root", this.state]);
    const said = `${++this.#starts}\n`;
    const log = join(this.host.directory, "server.log");
    await until("the server", async () => (await this.host.call(["grep", "-c", "Serving", log])).stdout === said);
    if (this.#containerd === undefined) return;
    // Anything else than that nobody is there.
    const asked = async (): Promise<string> => (await this.host.call(this.snapshots("prepare", "asked"))).stderr;
    await until("the connection", async () => !(await asked()).includes("unavailable"));
    await this.host.succeeds(this.snapshots("rm", "asked"));
  }

  async endServer(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#server?.end(signal);
  }

  async endContainerd(): Promise<void> {
    await this.#containerd?.end("SIGTERM");
  }

  async pull(): Promise<void> {
    await this.host.succeeds(this.ctr("images", "pull", "--plain-http", "--snapshotter", "orlop", this.image));
  }

  ctr(...args: readonly string[]): readonly string[] {
    return ["ctr", "--namespace", this.host.mark, ...args];
  }

  snapshots(...args: readonly string[]): readonly string[] {
    return this.ctr("snapshots", "--snapshotter", "orlop", ...args);
  }

  run(id: string, options: readonly string[], ...program: readonly string[]): readonly string[] {
    return this.ctr("run", "--snapshotter", "orlop", ...options, this.image, id, ...program);
  }

  /** What is there of layers. */
  layers(): readonly string[] {
    return this.host.list(join(this.state, "snapshots", this.#snapshotter));
  }

  /** Layers that are mounted for clients. */
  mounted(): readonly string[] {
    return this.host.list(join(this.state, "mounts", this.#snapshotter));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #startContainerd(): Promise<void> {
    const { host } = this;
    const config = join(host.directory, "config.toml");
    writeFileSync(config, documentedConfiguration());
    this.#containerd = host.daemon("containerd", ["containerd", "--config", config]);
    await until("an answer of containerd", async () => (await host.call(this.ctr("version"))).exitCode === 0);
  }
}

async function publish(host: ClientHost, name: string, layers: readonly (readonly FixtureEntry[])[]): Promise<void> {
  const rootfs = join(host.directory, "rootfs");
  mkdirSync(rootfs);
  makeBusyboxRootfs(rootfs);
  const base = execFileSync("tar", ["-C", rootfs, "-cf", "-", "."], { maxBuffer: 1 << 26 });
  const layout = new LayoutWriter(join(host.directory, "layout"));
  const tars = [base, ...layers.map((entries) => makeTar(entries))];
  layout.publish([layout.manifest({ layers: tars.map((tar) => ({ tar })), config: { Env: ["PATH=/bin"] } })]);
  const orlop = ["env", "ORLOP_ROOT=/run/orlop-images", LAUNCHER];
  const id = (await host.succeeds([...orlop, "pull", "-q", `oci:${layout.directory}`])).trim();
  await host.succeeds([...orlop, "tag", id, name]);
  await host.succeeds([...orlop, "push", "-q", name]);
}
