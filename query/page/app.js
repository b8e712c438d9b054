// The frame around the views: who is logged in, what is shown, light or dark.

import { call, describe, isAbort, login, refused } from "./api.js";
import { audit } from "./audit.js";
import { compare } from "./compare.js";
import { append, h, iconButton, notice, replace } from "./dom.js";
import { quotas } from "./quotas.js";
import * as route from "./route.js";
import { task } from "./task.js";
import { tasks } from "./tasks.js";
import { svg } from "./dom.js";

/** @typedef {(root: HTMLElement, path: string[], signal: AbortSignal) => Promise<void>} Show */

const VIEWS = /** @type {Record<string, Show>} */ ({ tasks, task, compare, audit, quotas });
const ADMINISTRATORS = ["admin", "root"];
const main = h("main", { id: "main", tabindex: -1 });
let shown = new AbortController();

/** Show what the address says. */
async function show() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const [name = "tasks", ...path] = route.current().path;
  const view = VIEWS[name] ?? tasks;
  const root = h("div", { class: `view ${name}` });
  replace(main, root);
  try {
    await view(root, path, signal);
  } catch (error) {
    if (!isAbort(error) && !signal.aborted) replace(root, notice(describe(error), true));
  }
}

/** What is around the views. Returns what tells it who is logged in, and what they may see. */
function frame() {
  const theme = iconButton("sun", "Light or dark", switchTheme);
  const user = h("span", { class: "user" });
  const leave = iconButton("out", "Log out", async () => {
    await call("login.logout").catch(() => null);
    askForKeys("");
  });
  const skip = h("a", { class: "skip", href: "#main", onclick: (/** @type {Event} */ e) => (e.preventDefault(), main.focus()) }, "Skip to content");
  const logo = h("a", { class: "logo", href: "#/tasks" }, mark(), "Eventide");
  const administration = [h("a", { href: "#/audit", hidden: true }, "Audit log"), h("a", { href: "#/quotas", hidden: true }, "Quotas")];
  const links = h("nav", { "aria-label": "Eventide" }, h("a", { href: "#/tasks" }, "Tasks"), ...administration, h("a", { href: "docs" }, "API"));
  replace(document.body, skip, h("header", { class: "top" }, logo, links, user, theme, leave), main);
  return (/** @type {{name: string, role: string}} */ { name, role }) => {
    user.textContent = name;
    for (const link of administration) link.hidden = !ADMINISTRATORS.includes(role);
    leave.title = leave.ariaLabel = `Log out ${name}`;
  };
}

function mark() {
  const wave = "M5 20c3.5 0 3.5-9 7.3-9s3.8 9 7.4 9 3.8-5 7.3-5";
  return svg("svg", { viewBox: "0 0 32 32", class: "mark", "aria-hidden": "true" }, svg("rect", { width: 32, height: 32, rx: 8 }), svg("path", { d: wave }));
}

function switchTheme() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  setTheme(now === "dark" ? "light" : "dark");
  dispatchEvent(new Event("theme"));
}

/** @param {string} theme */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("eventide.theme", theme);
  } catch {
    // the choice lasts as long as the page
  }
}

/** The keys that `eventide up` printed. @param {string} problem */
function askForKeys(problem) {
  shown.abort();
  const key = h("input", { id: "key", autocomplete: "username", required: true, spellcheck: "false", autocapitalize: "none" });
  const secret = h("input", { id: "secret", type: "password", autocomplete: "current-password", required: true });
  const told = h("div", {}, problem ? notice(problem, true) : null);
  const other = h("div", { class: "other" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await login(key.value.trim(), secret.value.trim());
      await start();
    } catch (error) {
      replace(told, notice(describe(error), true));
    }
  };
  const form = h(
    "form",
    { class: "login card", onsubmit: submit },
    h("h1", {}, mark(), "Eventide"),
    h("p", {}, "Log in with the keys that ", h("code", {}, "eventide up"), " printed."),
    told,
    h("label", { for: "key" }, "Access key"),
    key,
    h("label", { for: "secret" }, "Secret key"),
    secret,
    h("button", { class: "button primary" }, "Log in"),
    other,
  );
  offerSingleSignOn(other);
  replace(document.body, h("main", { class: "alone" }, form));
  key.focus();
}

/** Where the server knows a single sign-on provider, a button leads to it. @param {HTMLElement} place */
async function offerSingleSignOn(place) {
  const modes = await call("login.supported_modes").catch(() => null);
  if (modes?.sso.oidc) replace(place, h("a", { class: "button", href: modes.sso.oidc }, "Single sign-on"));
}

/** A link may carry the keys behind its #: they are used once, and leave the address before anything else. */
async function useKeysOfLink() {
  const found = /^#login=([^:]+):(.+)$/.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", "#/tasks");
  await login(decodeURIComponent(found[1]), decodeURIComponent(found[2]));
}

/** The view need not wait for the name of who looks at it: who may not is asked for keys by the first answer. */
async function start() {
  const greet = frame();
  await Promise.all([show(), call("users.get_current_user").then(({ user }) => greet(user))]);
}

async function begin() {
  document.documentElement.dataset.theme = localStorage.getItem("eventide.theme") ?? "";
  if (!document.documentElement.dataset.theme) delete document.documentElement.dataset.theme;
  // Several calls may be refused: the second must not take away what somebody has begun to type.
  refused.addEventListener("refused", () => document.querySelector("form.login") || askForKeys(""));
  addEventListener("hashchange", async () => {
    if (location.hash.startsWith("#login=")) await begin();
    else if (main.isConnected) show();
  });
  try {
    await useKeysOfLink();
    await start();
  } catch (error) {
    if (!document.querySelector("form.login")) askForKeys(describe(error));
  }
}

append(document.body, []);
begin();
