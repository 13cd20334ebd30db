import { createHash, sign, X509Certificate } from "node:crypto";
import type { TestCertificates } from "@orlop/testkit";
import { ScriptedServer } from "./scripted-server-fixture.ts";

/** A line of htpasswd: user `user` with the password `secret`. */
export const HTPASSWD = "user:$2b$04$hvpaKWNVhdR2JS/9nKpkZuPjEJw.K1h0sJyK9DZ8acR6gcQRDxWvi\n";

/** Gives out tokens as docker's registry verifies them (distribution, "Token Authentication Implementation"). */
export async function startTokenServer({ server: { certificate, key } }: TestCertificates): Promise<ScriptedServer> {
  const der = new X509Certificate(certificate).raw.toString("base64");
  return await ScriptedServer.start((request, answer) => {
    const query = new URL(request.url ?? "", "http://tokens").searchParams;
    const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;
    const isUser = request.headers.authorization === basic;
    if (request.headers.authorization !== undefined && !isUser) return void answer.writeHead(401).end();
    const access = query.getAll("scope").map((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      return { type, name, actions: actions.split(",").filter((action) => isUser || action === "pull") };
    });
    const now = Math.floor(Date.now() / 1000);
    const head = { typ: "JWT", alg: "ES256", x5c: [der] };
    const claims = { iss: "tests", sub: "user", aud: query.get("service"), exp: now + 300, nbf: now - 60, iat: now };
    const id = createHash("sha256").update(`${now}${request.url}`).digest("hex");
    const text = [head, { ...claims, jti: id, access }].map(base64url).join(".");
    const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
    answer.end(JSON.stringify({ token: `${text}.${signature}`, expires_in: 300 }));
  });
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
