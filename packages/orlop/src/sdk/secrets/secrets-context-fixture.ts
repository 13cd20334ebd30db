import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox, type SandboxOptions, type SandboxSecret } from "../../index.ts";
import { Servers } from "./servers-fixture.ts";

/** Asks with the key in two fields, and prints what comes. */
const CLIENT = `
  const key = process.env.API_KEY;
  const headers = { "x-key": key, authorization: "Basic " + btoa("me:" + key) };
  fetch(process.argv[1], { headers }).then(
    async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })),
    (error) => console.log(JSON.stringify({ code: error.cause?.code })),
  );
`;

interface Answer {
  readonly status?: number;
  readonly text?: string;
  readonly code?: string;
}

/** Sandboxes with secrets, and the servers that those are for. */
export class SecretsContext {
  /** Of all that were made, and what they were on. */
  readonly ids: string[] = [];
  readonly networks: string[] = [];
  readonly stateDirectory: string;
  readonly #rootBefore = process.env.ORLOP_ROOT;
  #servers: Servers | undefined;
  directory = "";

  constructor(stateDirectory: string) {
    this.stateDirectory = stateDirectory;
  }

  async open(): Promise<void> {
    this.directory = mkdtempSync(join(tmpdir(), "orlop-sandbox-secrets-"));
    process.env.ORLOP_ROOT = join(this.directory, "store");
    this.#servers = await Servers.start({ names: ["api.localhost", "other.localhost"] });
  }

  async close(): Promise<void> {
    if (this.#rootBefore === undefined) delete process.env.ORLOP_ROOT;
    else process.env.ORLOP_ROOT = this.#rootBefore;
    await this.#servers?.[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get servers(): Servers {
    if (this.#servers === undefined) throw new Error("servers are there while the context is open");
    return this.#servers;
  }

  get api(): string {
    return `api.localhost:${this.servers.securePort}`;
  }

  get other(): string {
    return `other.localhost:${this.servers.securePort}`;
  }

  async create(
    secrets: Readonly<Record<string, SandboxSecret>>,
    options: Partial<SandboxOptions> = {},
  ): Promise<Sandbox> {
    const box = await Sandbox.create({ image: "host", secrets, ...options });
    this.ids.push(box.id);
    this.networks.push((await box.$`readlink /proc/self/ns/net`).stdout.trim());
    return box;
  }

  async ask(box: Sandbox, url: string): Promise<Answer> {
    return JSON.parse((await box.run([process.execPath, "-e", CLIENT, url])).stdout) as Answer;
  }
}
