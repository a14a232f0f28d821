// The Node.js runtime: loads the handler, then asks the Lambda Runtime API for one invocation after another.
import dns from "node:dns";
import http from "node:http";
import path from "node:path";
import fs from "node:fs";
import util from "node:util";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";

const api = new URL(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const task = process.env.LAMBDA_TASK_ROOT;
let current = "";

function call(method, where, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: api.hostname, port: api.port, path: api.pathname + where, method, agent,
        headers: body === undefined ? {} : { "content-type": "application/json", "content-length": body.length } },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
        answer.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function describe(error) {
  if (error instanceof Error) {
    const trace = (error.stack ?? "").split("\n").map((line) => line.replaceAll(task, "/var/task"));
    return { errorType: error.name, errorMessage: error.message, trace };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const json = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const least = json ? levels.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? "INFO") : 0;

// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
function logJson(level, values) {
  const line = { timestamp: new Date().toISOString(), level, requestId: current };
  const error = values.find((each) => each instanceof Error);
  if (values.length === 1 && error === undefined) {
    line.message = values[0];
  } else {
    line.message = util.format(...values);
    if (error !== undefined) {
      line.errorType = error.name;
      line.errorMessage = error.message;
      line.stackTrace = (error.stack ?? "").split("\n");
    }
  }
  let text;
  try {
    text = JSON.stringify(line);
  } catch {
    text = JSON.stringify({ ...line, message: util.format(...values) });
  }
  fs.writeSync(1, text + "\n");
}

function log(level, values) {
  if (levels.indexOf(level) < least) return;
  if (json) return logJson(level, values);
  const message = util.format(...values).replaceAll("\n", "\r");
  fs.writeSync(1, `${new Date().toISOString()}\t${current || "undefined"}\t${level}\t${message}\n`);
}

for (const [name, level] of [["log", "INFO"], ["info", "INFO"], ["warn", "WARN"], ["error", "ERROR"],
                             ["debug", "DEBUG"], ["trace", "TRACE"], ["fatal", "FATAL"]]) {
  console[name] = (...values) => log(level, values);
}

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function load(text) {
  const slash = text.lastIndexOf("/") + 1;
  const dot = text.indexOf(".", slash);
  if (dot < 0) throw new RuntimeError("Runtime.MalformedHandlerName", "Bad handler");
  const file = path.join(task, text.slice(0, dot));
  const names = text.slice(dot + 1).split(".");
  let module;
  try {
    const found = [".mjs", ".cjs", ".js"].map((suffix) => file + suffix).find((each) => fs.existsSync(each));
    if (found === undefined) {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${path.basename(file)}'`);
    }
    if (found.endsWith(".js") && !isModule(found)) module = createRequire(found)(found);
    else module = await import(pathToFileURL(found).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError("Runtime.UserCodeSyntaxError", String(error));
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: ${error.message.replaceAll(task, "/var/task")}`);
    }
    throw error;
  }
  let handler = module;
  for (const name of names) handler = handler?.[name] ?? handler?.default?.[name];
  if (handler === undefined) throw new RuntimeError("Runtime.HandlerNotFound", `${text} is undefined or not exported`);
  if (typeof handler !== "function") throw new RuntimeError("Runtime.HandlerNotFound", `${text} is not a function`);
  return handler;
}

function isModule(file) {
  for (let folder = path.dirname(file); folder.startsWith(task); folder = path.dirname(folder)) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest)).type === "module";
  }
  return false;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const client = headers["lambda-runtime-client-context"];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    clientContext: client ? JSON.parse(client) : undefined,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

// The SDK puts a bucket's name before the endpoint's. Not every machine knows such names, though RFC 6761 says that
// they are the machine itself.
const { lookup } = dns;
dns.lookup = Object.defineProperties(
  (name, ...rest) => lookup(/\.localhost\.?$/i.test(name) ? "localhost" : name, ...rest),
  Object.getOwnPropertyDescriptors(lookup),
);
syncBuiltinESMExports();

// Code behind custom resources (cfn-response, what the CDK brings) takes host and path of its ResponseURL and
// asks port 443, since on AWS they all have that. Such a request goes to the address as it was given.
const answering = /^https?:\/\/[\w.-]+(:\d{1,5})?\/_aws\/cloudformation\/\w+$/;
let answer;

async function answerTo(url) {
  if (answer === undefined) {
    const { default: https } = await import("node:https");
    const request = https.request;
    https.request = function (given, ...rest) {
      const { hostname, host, path, port, agent, ...options } = given ?? {};
      const usual = !(given instanceof URL) && [undefined, 443, "443"].includes(port);
      if (!usual || (hostname ?? host) !== answer.hostname || path !== answer.pathname) {
        return request.call(this, given, ...rest);
      }
      const { protocol } = answer;
      const send = protocol === "http:" ? http.request : request;
      return send({ ...options, protocol, hostname: answer.hostname, port: answer.port, path }, ...rest);
    };
    syncBuiltinESMExports();
  }
  answer = url;
}

function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    Object.assign(context, { done: callback, succeed: resolve, fail: reject });
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3) resolve(returned);
  });
}

async function refuse(error) {
  const body = describe(error);
  log("ERROR", ["Invoke Error \t" + JSON.stringify({ ...body, stack: body.trace })]);
  await call("POST", `invocation/${current}/error`, Buffer.from(JSON.stringify(body)));
}

process.on("uncaughtException", (error) => {
  log("ERROR", ["Uncaught Exception \t" + JSON.stringify(describe(error))]);
  process.exit(129);
});
process.on("unhandledRejection", (error) => {
  log("ERROR", ["Unhandled Promise Rejection \t" + JSON.stringify(describe(error))]);
  process.exit(128);
});

let handler;
try {
  handler = await load(process.env._HANDLER);
} catch (error) {
  const body = describe(error);
  log("ERROR", ["Uncaught Exception \t" + JSON.stringify(body)]);
  await call("POST", "init/error", Buffer.from(JSON.stringify(body)));
  process.exit(1);
}
for (;;) {
  const next = await call("GET", "invocation/next");
  const context = contextOf(next.headers);
  current = context.awsRequestId;
  process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
  try {
    const event = JSON.parse(next.body);
    if (answering.test(event?.ResponseURL)) await answerTo(new URL(event.ResponseURL));
    const result = await invoke(handler, event, context);
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch (error) {
      throw new RuntimeError("Runtime.MarshalError", `Unable to stringify response body: ${error.message}`);
    }
    await call("POST", `invocation/${current}/response`, Buffer.from(text));
  } catch (error) {
    await refuse(error);
  }
}
