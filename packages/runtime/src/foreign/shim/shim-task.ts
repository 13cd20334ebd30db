import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { ContainerDirectory } from "../../process/container-directory.ts";
import { readStartAnswer, type ShimAddress } from "../../shim-protocol/bootstrap.ts";
import {
  type TaskApi,
  type TaskMethod,
  type TaskRequest,
  type TaskResponse,
  taskApi,
} from "../../shim-protocol/task-api.ts";
import { TtrpcClient } from "../../ttrpc/ttrpc-client.ts";
import { START_FILES } from "./shim-binary.ts";

/** In the directory of a container: how its shim is spoken to. */
const ADDRESS = "shim.json";
const SCHEMA_VERSION = 1;

/** A connection to the task service of a container's shim. */
export class ShimTask {
  readonly #client: TtrpcClient;
  readonly #api: TaskApi;

  private constructor(client: TtrpcClient, api: TaskApi) {
    this.#client = client;
    this.#api = api;
  }

  /** Keeps what the shim answered at its start. */
  static keep({ path }: ContainerDirectory, shim: string): void {
    const address = readStartAnswer(shim, readFileSync(join(path, START_FILES.stdout)));
    const file = join(path, ADDRESS);
    writeFileSync(`${file}.new`, JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...address }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** A shim has been started and has answered. */
  static isKnown({ path }: ContainerDirectory): boolean {
    return existsSync(join(path, ADDRESS));
  }

  /** Undefined when no shim has been started. */
  static socketOf(directory: ContainerDirectory): string | undefined {
    return ShimTask.isKnown(directory) ? readAddress(directory).socket : undefined;
  }

  /** Throws `failed` when the shim does not listen any more. */
  static async connect(directory: ContainerDirectory): Promise<ShimTask> {
    const { version, socket } = readAddress(directory);
    return new ShimTask(await TtrpcClient.connect(socket), taskApi(version));
  }

  /** Calls a method of the service; see TtrpcClient.call. */
  call<Name extends TaskMethod>(
    name: Name,
    request: TaskRequest<Name>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<TaskResponse<Name>> {
    return this.#client.call(this.#api, name, request, options);
  }

  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  close(): void {
    this.#client.close();
  }
}

function readAddress({ path }: ContainerDirectory): ShimAddress {
  const { schemaVersion, ...address } = JSON.parse(readFileSync(join(path, ADDRESS), "utf8")) as ShimAddress & {
    readonly schemaVersion: number;
  };
  if (schemaVersion === SCHEMA_VERSION) return address;
  throw new OrlopError("unsupported", `Cannot speak to shim: its record has version ${schemaVersion}`);
}
