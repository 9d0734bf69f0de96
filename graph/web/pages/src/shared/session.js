// Who is signed in, for this browser tab only: sessionStorage is empty again when it closes.

const KEY = "agent-studio:token";
const told = new Set();
// standing: UNPROVEN | ACCEPTED | REFUSED, as the API last said about this token
let now = { token: sessionStorage.getItem(KEY) ?? "", standing: "UNPROVEN" };

function change(next) {
  now = next;
  told.forEach((tell) => tell());
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

/** What the API said about a token, unless another one has taken its place meanwhile. */
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

export function onChange(tell) {
  told.add(tell);
  return () => told.delete(tell);
}

/** Whether a page on this machine may have the token of a local install, and that token. */
export const localToken = {
  offered: (page) => ask(`${page}/config.json`).then((it) => it.localToken === true, () => false),
  fetch: (page) => ask(`${page}/local-token`, { method: "POST" }).then((it) => it.token),
};

/** As somebody pastes it: perhaps with the name of the header's scheme before it. */
export const pasted = (text) => text.trim().replace(/^Bearer\s+/i, "");

async function ask(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
