import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, sentBytes } from "../golden/golden-file.ts";
import { decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages, NLM_F_ACK } from "../message.ts";
import { encodeRequest } from "../request.ts";
import type { Expression } from "./expression.ts";
import { NFT_MSG_NEWRULE } from "./message-types.ts";
import { addRule } from "./rule.ts";
import type { Statement } from "./rule-context.ts";
import { addr, nets, ports, publish, ruleSamples } from "./rule-samples.ts";
import { ct, ip, meta, tcp } from "./statements/fields.ts";
import { dnat, masquerade } from "./statements/translations.ts";
import { accept } from "./statements/verdicts.ts";
import type { TableFamily } from "./table.ts";
import { ruleBody } from "./wire.ts";

const T = { family: "inet", table: "t" } as const;

/** What two ways of saying the same differ in: nft's own numbers of named sets, and an operator that is the default. */
function normalized(expressions: readonly Expression[]): unknown[] {
  return expressions.map((expression) => {
    if (expression.kind === "lookup") {
      const { setId, ...rest } = expression.data ?? {};
      return { kind: "lookup", data: rest.set?.startsWith("__") === true ? { ...rest, setId } : rest };
    }
    if (expression.kind === "bitwise") {
      const { operator: _, ...rest } = expression.data ?? {};
      return { kind: "bitwise", data: rest };
    }
    return expression;
  });
}

for (const [text, statements] of ruleSamples) {
  test(`compiles "${text}" as nft does`, () => {
    const messages = decodeMessages(sentBytes(goldenCapture("nftables-rules", `add rule ${text}`)));
    const golden = messages.find(({ type }) => type === NFT_MSG_NEWRULE.number);
    assert.ok(golden !== undefined);
    const [family, table, chain] = text.split(" ") as [TableFamily, string, string];
    const [own] = decodeMessages(encodeRequest(addRule({ family, table, chain, statements }), 0));
    assert.ok(own !== undefined);
    assert.equal(own.flags & ~NLM_F_ACK, golden.flags);
    const expected = decodeFaithfully(golden, ruleBody);
    const actual = decodeFaithfully(own, ruleBody);
    assert.deepEqual([actual.family, actual.table, actual.chain], [expected.family, expected.table, expected.chain]);
    const wanted = normalized(expected.expressions ?? []);
    // Newer kernels conclude it from the register, older ones want the flag said.
    const mapped = text.endsWith("map @publish") ? { flags: ["NF_NAT_RANGE_PROTO_SPECIFIED"] } : {};
    const [last] = wanted.splice(-1) as [{ kind: string; data?: object }];
    const final = last.data === undefined ? last : { ...last, data: { ...last.data, ...mapped } };
    assert.deepEqual(normalized(actual.expressions ?? []), [...wanted, final]);
  });
}

test("reads and writes again every byte of every rule that nft sent", () => {
  for (const capture of goldenCaptures("nftables-rules")) {
    for (const message of decodeMessages(sentBytes(capture))) {
      if (message.type === NFT_MSG_NEWRULE.number) decodeFaithfully(message, ruleBody);
    }
  }
});

test("keeps a comment with the rule", () => {
  const [golden] = decodeMessages(
    sentBytes(goldenCapture("nftables-rules", 'add rule inet t c accept comment "hello"')),
  ).filter(({ type }) => type === NFT_MSG_NEWRULE.number);
  const [own] = decodeMessages(
    encodeRequest(addRule({ ...T, chain: "c", statements: [accept], comment: "hello" }), golden?.sequence ?? 0),
  );
  assert.ok(golden !== undefined && own !== undefined);
  assert.equal(Buffer.from(own.body).toString("hex"), Buffer.from(golden.body).toString("hex"));
});

test("compares host-order values in network order", () => {
  const [own] = decodeMessages(
    encodeRequest(addRule({ ...T, chain: "c", statements: [meta.mark.between(1, 256)] }), 0),
  );
  assert.ok(own !== undefined);
  assert.deepEqual(decodeFaithfully(own, ruleBody).expressions, [
    { kind: "meta", data: { key: "mark", dreg: 1 } },
    { kind: "byteorder", data: { sreg: 1, dreg: 1, operator: "hostToNetwork", length: 4, size: 4 } },
    { kind: "cmp", data: { sreg: 1, operator: "gte", data: { value: Uint8Array.of(0, 0, 0, 1) } } },
    { kind: "cmp", data: { sreg: 1, operator: "lte", data: { value: Uint8Array.of(0, 0, 1, 0) } } },
  ]);
});

test("refuses rules that mean nothing, in words", () => {
  const rule = (...statements: Statement[]) => addRule({ ...T, chain: "c", statements });
  const refusals: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => rule(dnat({ address: "10.0.0.2", port: 80 })),
      /nothing before it in the rule matches a transport protocol\nTry tcp\.dport/,
    ],
    [() => rule(masquerade({ port: 5 })), /matches a transport protocol/],
    [() => rule(tcp.dport.is("http")), /Cannot encode netlink field "inet_service"/],
    [() => rule(tcp.dport.is(65_536)), /65536 is not an integer from 0 to 65535/],
    [() => rule(ip.saddr.is("fd00::/64")), /"fd00::\/64" is not of its IP version/],
    [() => rule(ip.saddr.is("10.0.0.0/33")), /its length is not a number from 0 to 32/],
    [() => rule(ip.saddr.isNot("0.0.0.0/0")), /every address is in it|every address is in "0\.0\.0\.0\/0"/],
    [() => rule(ct.state.has("nonsense")), /"nonsense" is not one of invalid, established/],
    [() => rule(meta.iifname.is("a-name-that-is-too-long")), /takes 24 bytes, and 16 is the most/],
    [() => rule(meta.iifname.setTo("x")), /it cannot be set/],
    [() => rule(meta.mark.copyFrom(meta.skuid)), /it is mark, and meta skuid is uid/],
    [
      () => rule(ct.mark.setFrom(tcp.dport.mappedBy(addr))),
      /it is mark, and the values of "inet t addr" are ipv4_addr/,
    ],
    [() => rule(tcp.dport.in(nets)), /it is inet_service, and the keys of "inet t nets" are ipv4_addr/],
    [() => rule(tcp.dport.verdictFrom(publish)), /does not hold verdicts/],
    [() => rule(dnat({ from: tcp.dport.mappedBy(ports) })), /its values are neither addresses/],
    [() => rule(dnat({ address: { from: "10.0.0.1", to: "fd00::1" } })), /differ in IP version/],
    [
      () => addRule({ family: "ip6", table: "t", chain: "c", statements: [ip.saddr.is("10.0.0.1")] }),
      /no such packet comes into a table of family ip6/,
    ],
    [
      () => addRule({ family: "ip", table: "t", chain: "c", statements: [dnat({ address: "fd00::1" })] }),
      /the table is of family ip/,
    ],
  ];
  for (const [call, words] of refusals) {
    assert.throws(
      call,
      (error) => error instanceof OrlopError && error.code === "invalid" && words.test(error.message),
      `${words}`,
    );
  }
});
