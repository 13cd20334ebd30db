import type { Headers } from "./message-head.ts";

/** How to reach a host. */
export interface ConnectionSettings {
  /** Certificates (PEM) that are trusted beside the machine's own. */
  readonly ca?: readonly string[];
  /** The client's certificates and keys. */
  readonly clientCertificates?: readonly ClientCertificate[];
  /** Any certificate will do: a setting of the user's. */
  readonly skipVerify?: boolean;
  /** An HTTP proxy; may have a user and a password. */
  readonly proxy?: URL;
  /** What making a connection may take, through the proxy and with TLS; absent: what any silence may. */
  readonly dialTimeoutMs?: number;
}

/** In PEM. */
interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  /** By names in lower case; a body needs its `content-length`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
  /** Without a byte in either direction for so long it has failed. */
  readonly stallMaxMs: number;
}

export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: HttpBody;
}

/** What comes behind a head. Has to be read to its end or destroyed. */
export interface HttpBody {
  /** What has come since the call before, at least a byte; undefined at the end. */
  read(): Promise<Buffer | undefined>;
  /** Nobody looks at a chunk any more, whose memory may hold what comes next; who keeps chunks leaves it out. */
  giveBack?(chunk: Buffer): void;
  /** Nothing more is wanted. Before its end it takes the connection with it; what waits for bytes gets the error. */
  destroy(error?: Error): void;
}

/** What is between us and one origin under one kind of settings. */
export interface Connections {
  /** One request, as it is: no redirects, no repetition. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}
