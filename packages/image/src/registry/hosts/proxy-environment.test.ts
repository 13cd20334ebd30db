import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { proxiesOfEnvironment } from "./proxy-environment.ts";

describe("the proxy of the environment", () => {
  const proxyFor = proxiesOfEnvironment({
    https_proxy: "https://u:p@secure.example:8080",
    HTTP_PROXY: "plain.example:3128",
    NO_PROXY: "direct.example, .below.example,10.0.0.0/8,[fd00::1],192.168.1.1,ported.example:8443,fd01::/16",
  });
  const CASES: readonly (readonly [string, string | undefined])[] = [
    ["https://a.example/", "https://u:p@secure.example:8080/"],
    ["http://a.example/", "http://plain.example:3128/"],
    ["http://localhost:5000/", undefined],
    ["http://127.1.2.3/", undefined],
    ["http://[::1]/", undefined],
    ["https://direct.example/", undefined],
    ["https://x.direct.example/", undefined],
    ["https://indirect.example/", "https://u:p@secure.example:8080/"],
    ["https://below.example/", "https://u:p@secure.example:8080/"],
    ["https://x.below.example/", undefined],
    ["https://10.9.8.7/", undefined],
    ["https://11.0.0.1/", "https://u:p@secure.example:8080/"],
    ["https://192.168.1.1/", undefined],
    ["https://[fd00::1]/", undefined],
    ["https://[fd01::5]/", undefined],
    ["https://[fd02::5]/", "https://u:p@secure.example:8080/"],
    ["https://ported.example:8443/", undefined],
    ["https://ported.example/", "https://u:p@secure.example:8080/"],
  ];
  for (const [url, proxy] of CASES) {
    test(`for ${url} is ${proxy ?? "none"}`, () => assert.equal(proxyFor(new URL(url))?.href, proxy));
  }

  test("is not taken from what a web server passes on, nor used when it is of an unknown kind", () => {
    const url = new URL("http://a.example/");
    assert.equal(proxiesOfEnvironment({ HTTP_PROXY: "evil.example", REQUEST_METHOD: "GET" })(url), undefined);
    assert.throws(
      () => proxiesOfEnvironment({ HTTP_PROXY: "socks5://u:secret@p.example" })(url),
      (error: Error) => {
        assert.equal(error.message, 'Cannot use proxy of HTTP_PROXY: there is no support for "socks5:"');
        return true;
      },
    );
    assert.equal(proxiesOfEnvironment({ HTTP_PROXY: "p.example", NO_PROXY: "*" })(url), undefined);
  });
});
