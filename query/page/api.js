// Calls of the API, as the caller whom the cookie names.

const ROOT = new URL("../", import.meta.url);
const VERSION = "v2.34";

export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Heard when credentials are missing or have ended. */
export const refused = new EventTarget();

/** @param {string} path */
export function url(path) {
  return new URL(`${VERSION}/${path}`, ROOT).href;
}

/**
 * The data of a call. Throws ApiError.
 * @param {string} action
 * @param {object} [body]
 * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>}
 */
export async function call(action, body = {}, { signal, headers = {} } = {}) {
  const response = await fetch(url(action), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  });
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer.data;
  if (response.status === 401 && !headers.Authorization) refused.dispatchEvent(new Event("refused"));
  throw new ApiError(response.status, answer?.meta?.result_msg || `${action}: HTTP ${response.status}`);
}

/**
 * Log in; from then on the cookie tells who is calling.
 * @param {string} accessKey
 * @param {string} secretKey
 */
export async function login(accessKey, secretKey) {
  const bytes = new TextEncoder().encode(`${accessKey}:${secretKey}`);
  const basic = btoa(String.fromCharCode(...bytes));
  await call("auth.login", {}, { headers: { Authorization: `Basic ${basic}` } });
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @param {unknown} error @returns {string} */
export function describe(error) {
  if (error instanceof ApiError) return error.message;
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
