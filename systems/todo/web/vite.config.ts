import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the app may live at the root of a host or below a path.
  base: "./",
  // amazon-cognito-identity-js expects Node's name for the global object.
  define: { global: "globalThis" },
  plugins: [preact()],
  build: { target: "es2022", sourcemap: false },
});
