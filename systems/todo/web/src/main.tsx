import { render } from "preact";
import { App } from "./views/App";
import { loadConfig } from "./config";
import { Files } from "./files";
import { Session } from "./session";
import "./styles.css";

const config = await loadConfig();
const session = new Session(config);
render(
  <App api={config.outputs.ApiUrl} session={session} files={new Files(config, session)} />,
  document.getElementById("app")!,
);
await session.resume();
if ("serviceWorker" in navigator) await navigator.serviceWorker.register("./sw.js");
