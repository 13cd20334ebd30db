/** What went wrong with the proxy in between, about which the host behind it knows nothing. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  /** With its port. */
  readonly proxy: string;
  /** What it answered instead of connecting; absent: it was not reached, for the error's cause. */
  readonly status: number | undefined;

  constructor(proxy: string, { status, cause }: { readonly status?: number; readonly cause?: unknown }) {
    super(status === undefined ? "the proxy cannot be reached" : `answered ${status}`, { cause });
    this.proxy = proxy;
    this.status = status;
  }
}
