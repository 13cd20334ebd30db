// A host for plug-ins that it does not trust: each is a server in a sandbox without any network, and the host alone reaches it,
// by an exposed port. When it takes too long to answer, it goes.
//
//   sh tools/node -C source examples/plug-in-host.ts 'request => request.text.toUpperCase()' hello

import { Sandbox } from "orlop";

const [plugIn = "request => request.text.length", ...texts] = process.argv.slice(2);

// What is around the plug-in in its sandbox: it has nothing there that the host would miss.
const server = `
  const answer = eval(process.argv[1]);
  require("node:http").createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.end(JSON.stringify(await answer(JSON.parse(body))));
  }).listen(8080, "127.0.0.1", () => console.log("ready"));
`;

await using box = await Sandbox.create({ image: "host", workdir: "/tmp" });
await using exposed = await box.expose(8080);
await using program = box.spawn([process.execPath, "-e", server, plugIn]);

// It says when it is ready, and whatever else it has to say.
for await (const { data } of program) {
  if (data.toString() !== "ready\n") {
    process.stderr.write(data);
    continue;
  }
  for (const text of texts) {
    const body = JSON.stringify({ text });
    const signal = AbortSignal.timeout(20_000);
    const response = await fetch(exposed.url, { method: "POST", body, signal });
    console.log(await response.text());
  }
  break;
}
