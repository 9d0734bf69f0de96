// The current user, for this browser tab only: sessionStorage is deleted when the tab closes.

const KEY = "agent-studio:token";
const listeners = new Set();
// standing: UNPROVEN | ACCEPTED | REFUSED, the last response of the API to this token
let now = { token: sessionStorage.getItem(KEY) ?? "", standing: "UNPROVEN" };

function change(next) {
  now = next;
  listeners.forEach((listener) => listener());
}

export const session = () => now;
export const token = () => now.token;

export function signIn(token) {
  sessionStorage.setItem(KEY, token);
  change({ token, standing: "UNPROVEN" });
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  change({ token: "", standing: "UNPROVEN" });
}

/** Record the response of the API to a token, unless the token has been replaced meanwhile. */
export function judged(token, standing) {
  if (token && token === now.token && standing !== now.standing) change({ token, standing });
}

export function otherToken(than) {
  return new Promise((resolve) => {
    const stop = onChange(() => {
      if (now.token && now.token !== than) resolve(stop());
    });
  });
}

export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether this page may use the token of a local installation, and that token. */
export const localToken = {
  offered: (page) => ask(`${page}/config.json`).then((it) => it.localToken === true, () => false),
  fetch: (page) => ask(`${page}/local-token`, { method: "POST" }).then((it) => it.token),
};

/** A pasted token, without the scheme of the Authorization header that may precede it. */
export const pasted = (text) => text.trim().replace(/^Bearer\s+/i, "");

async function ask(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
