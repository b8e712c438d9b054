// Everything that is shown has an address: #/path/of/view?parameter=value.

/** @typedef {{path: string[], params: URLSearchParams}} Route */

/** @returns {Route} */
export function current() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), params: new URLSearchParams(query ?? "") };
}

/**
 * @param {string[]} path
 * @param {URLSearchParams | Record<string, string>} [params]
 */
export function link(path, params = {}) {
  const query = new URLSearchParams(params).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/**
 * Change parameters of the current address without leaving the view; an empty value removes one.
 * @param {Record<string, string>} changes
 */
export function remember(changes) {
  const { path, params } = current();
  for (const [name, value] of Object.entries(changes)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  history.replaceState(null, "", link(path, params));
}

/** @param {string} name */
export function param(name) {
  return current().params.get(name) ?? "";
}

/** Several names in one parameter. @param {string} name */
export function listed(name) {
  return new Set(current().params.getAll(name));
}

/** @param {string} name @param {Iterable<string>} values */
export function rememberList(name, values) {
  const { path, params } = current();
  params.delete(name);
  for (const value of values) params.append(name, value);
  history.replaceState(null, "", link(path, params));
}
