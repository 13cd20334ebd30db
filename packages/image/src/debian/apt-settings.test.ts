import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { aptProxies } from "./apt-settings.ts";

const HTTP = new URL("http://deb.example.org/debian/");
const HTTPS = new URL("https://deb.example.org/debian/");

function proxies(values: Readonly<Record<string, string>>, environment: NodeJS.ProcessEnv = {}) {
  const settings = { setting: (name: string) => values[name], sourceFiles: [], trustedKeyrings: [] };
  return aptProxies(settings, environment);
}

test("takes the proxy of apt.conf: that of the host, else that of the scheme", () => {
  const of = proxies({
    "Acquire::http::Proxy": "http://all:3142",
    "Acquire::http::Proxy::other.example.org": "http://other:3142",
    "Acquire::http::Proxy::near.example.org": "DIRECT",
  });
  assert.equal(of(HTTP), "http://all:3142");
  assert.equal(of(HTTPS), "http://all:3142");
  assert.equal(of(new URL("http://other.example.org/")), "http://other:3142");
  assert.equal(of(new URL("http://near.example.org/")), undefined);
  assert.equal(
    proxies({ "Acquire::https::Proxy": "http://tls:1", "Acquire::http::Proxy": "http://x:2" })(HTTPS),
    "http://tls:1",
  );
});

test("takes the proxy of the environment where apt.conf says nothing, with the hosts that need none", () => {
  const environment = { http_proxy: "http://env:1", https_proxy: "http://tls:2", no_proxy: "localhost, .near.example" };
  const of = proxies({}, environment);
  assert.equal(of(HTTP), "http://env:1");
  assert.equal(of(HTTPS), "http://tls:2");
  assert.equal(of(new URL("http://a.near.example/")), undefined);
  assert.equal(of(new URL("http://farnear.example/")), "http://env:1");
  assert.equal(proxies({ "Acquire::http::Proxy": "http://apt:3" }, environment)(HTTP), "http://apt:3");
  assert.equal(proxies({}, { http_proxy: "http://env:1", no_proxy: "*" })(HTTP), undefined);
});

test("refuses a proxy of another kind by its name", () => {
  assert.throws(
    () => proxies({ "Acquire::http::Proxy": "socks5h://there:1080" })(HTTP),
    new OrlopError("unsupported", 'Cannot use proxy "socks5h://there:1080" of apt: there are http and https'),
  );
});
