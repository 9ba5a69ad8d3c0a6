// Runs a transformation as Hookdeck does: a context of its own with JSON, console and process.env, without require, timers, network or
// crypto, for a second at most. Standard input: {code, env, request}; standard output: {request} or {error}.
const vm = require("node:vm");
const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
let handler;
const context = vm.createContext({
  addHandler: (name, body) => {
    if (name === "transform") handler = body;
  },
  console: { log() {}, warn() {}, error() {} },
  process: { env: input.env },
});
try {
  vm.runInContext(input.code, context, { timeout: 1000 });
  context.run = () => handler(input.request, {});
  const request = vm.runInContext("run()", context, { timeout: 1000 });
  if (!request) throw new Error("the handler returned nothing");
  if (typeof request.then === "function") throw new Error("promises are not supported");
  process.stdout.write(JSON.stringify({ request }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: String(error.message) }));
}
