// Who is signed in, for this browser tab only: sessionStorage is empty again when it closes.

import { useSyncExternalStore } from "react";

const KEY = "agent-studio:token";
const told = new Set();
// standing: UNPROVEN | ACCEPTED | REFUSED, as the API last said about this token
let now = { token: sessionStorage.getItem(KEY) ?? "", standing: "UNPROVEN" };

function change(next) {
  now = next;
  told.forEach((tell) => tell());
}

export const token = () => now.token;

export const useSession = () => useSyncExternalStore(onChange, () => now);

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

function onChange(tell) {
  told.add(tell);
  return () => told.delete(tell);
}
