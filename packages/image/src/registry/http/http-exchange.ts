import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

/** How to reach a host. */
export interface ConnectionSettings {
  /** Certificates (PEM) that are trusted beside the machine's own. */
  readonly ca?: readonly string[];
  /** The client's certificate and key (PEM). */
  readonly clientCertificates?: readonly ClientCertificate[];
  /** Any certificate will do: a setting of the user's. */
  readonly skipVerify?: boolean;
  /** An HTTP proxy; may have a user and a password. */
  readonly proxy?: URL;
}

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces come with a `content-length` among the headers. */
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
  /** Without a byte in either direction for so long it has failed. */
  readonly stallMaxMs: number;
}

/** A body that is not read to its end has to be destroyed. */
export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** What is between us and one origin under one kind of settings. */
export interface Connections {
  /** One request, as it is: no redirects, no repetition. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

/** A header that stands once; several of the same name come joined by commas. */
export function header({ headers }: Pick<HttpResponse, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
