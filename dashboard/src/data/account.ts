// Who uses the dashboard: a person with a session, or the local installation with its API key. A session is shared by
// all tabs of the browser; the key of a local installation is kept by one tab, as /talk and GraphiQL do.

import { createSession, createStudio, type Observable, type Session, type Studio, type Tokens } from "agent-studio-client";
import { messageOf } from "./problem";

export const API = process.env.NEXT_PUBLIC_STUDIO_API || (typeof location === "undefined" ? "" : location.origin);

const LOCAL_KEY = "agent-studio:token";
const CHANNEL = "agent-studio:account";
/** Read by the script in app/layout.tsx before the first paint, which hides the frame of the pages without it. */
const MARK = "agent-studio:signed-in";

export interface Account {
  /** Another one for each sign-in and each tenant: the pages of one account are not those of the next. */
  readonly id: number;
  readonly kind: "PERSON" | "LOCAL";
  readonly studio: Studio;
}

let session: Session | undefined;
let current: Account | null | undefined;
const listeners = new Set<() => void>();

/** Undefined while the page is not in a browser, null when there is no account. */
export const account: Observable<Account | null | undefined> = {
  get: () => (current === undefined ? (current = open()) : current),
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** The page of links that set a password or accept an invitation: loading it again would lose the link and what was typed. */
const isAccountPage = () => /\/account\/?$/.test(location.pathname);

export function people(): Session {
  if (!session) {
    session = createSession({ url: API });
    session.state.subscribe(sessionChanged);
    channel()?.addEventListener("message", () => {
      if (!isAccountPage()) location.reload();
    });
  }
  return session;
}

let visiting: Studio | undefined;

/** The API without a credential, for those who cannot sign in yet. */
export const visitor = (): Studio => (visiting ??= createStudio({ url: API }));

/** Continue as the person of these tokens, whatever account this tab had. */
export function enterWith(tokens: Tokens) {
  sessionStorage.removeItem(LOCAL_KEY);
  people().adopt(tokens);
  changeAccount();
}

/** Sends the browser to an identity provider, or says why it cannot. */
export async function startSingleSignOn(startUrl: string, invitation = ""): Promise<string> {
  // Browsers have the cryptography that it needs in secure contexts only.
  if (!isSecureContext) {
    const page = invitation ? "the link of the invitation" : "this page";
    return `Single sign-on needs HTTPS. Open ${page} with https:// instead of http://, or ask the operator of this installation.`;
  }
  const returnTo = location.href.split("#")[0] ?? "";
  location.assign(await people().startSingleSignOn(startUrl, { returnTo, ...(invitation && { invitation }) }));
  return "";
}

let opened = 0;

function open(): Account | null {
  const key = sessionStorage.getItem(LOCAL_KEY) ?? "";
  if (key.startsWith("as_")) return mark({ id: ++opened, kind: "LOCAL", studio: createStudio({ url: API, apiKey: key }) });
  if (people().state.get()) return mark({ id: ++opened, kind: "PERSON", studio: createStudio({ url: API, session: people() }) });
  return mark(null);
}

function mark(account: Account | null) {
  if (account) localStorage.setItem(MARK, "1");
  else localStorage.removeItem(MARK);
  document.documentElement.dataset.signedIn = account ? "yes" : "no";
  return account;
}

/** Start again with an empty cache: nothing of one account or tenant may be shown to another. */
function replaceAccount() {
  current?.studio.close();
  current = open();
  for (const listener of listeners) listener();
}

/** Another tenant: all tabs show the same, so the others load again. */
export function changeAccount() {
  replaceAccount();
  announceAccount();
}

/** After a sign-in, which the session has already shown to this tab. */
export function announceAccount() {
  channel()?.postMessage("changed");
}

function sessionChanged() {
  const isSignedIn = people().state.get() !== null;
  if (isSignedIn !== (current?.kind === "PERSON") && current?.kind !== "LOCAL") replaceAccount();
}

let open_channel: BroadcastChannel | undefined;
function channel() {
  if (typeof BroadcastChannel === "undefined") return undefined;
  return (open_channel ??= new BroadcastChannel(CHANNEL));
}

/** Where pages keep in this tab what was not saved; it belongs to the person who is signed in. */
export const UNSAVED = "agent-studio:unsaved:";

const NOT_ENDED = "agent-studio:not-ended";

/** Returns what to say if the API has not confirmed the end of the session; otherwise an empty text. */
export async function signOut(): Promise<string> {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(UNSAVED)) sessionStorage.removeItem(key);
  if (current?.kind === "LOCAL") {
    sessionStorage.removeItem(LOCAL_KEY);
    replaceAccount();
    return "";
  }
  const { endSessionUrl, error } = await people().signOut();
  if (current) changeAccount();
  else channel()?.postMessage("changed");
  const problem = error ? `You are signed out here, but the API has not confirmed the end of your session: ${messageOf(error)}` : "";
  if (!endSessionUrl) return problem;
  // The identity provider sends the browser back to the sign-in, which says it.
  if (problem) sessionStorage.setItem(NOT_ENDED, problem);
  location.assign(endSessionUrl);
  return "";
}

/** What `signOut` left to say, once. */
export function problemOfSignOut(): string {
  const problem = sessionStorage.getItem(NOT_ENDED) ?? "";
  sessionStorage.removeItem(NOT_ENDED);
  return problem;
}

/** The API refused the key of this tab, for instance because it was revoked. Sessions notice their end by themselves. */
export function forgetLocalKey(): void {
  if (current?.kind === "LOCAL") void signOut();
}

/** Whether this browser runs on the machine of a local installation, which then hands out its key. */
export async function isLocalInstallation(): Promise<boolean> {
  try {
    const response = await fetch("/studio/config.json");
    return response.ok && ((await response.json()) as { localToken?: boolean }).localToken === true;
  } catch {
    return false;
  }
}

export async function signInLocally(): Promise<boolean> {
  const response = await fetch("/studio/local-token", { method: "POST" }).catch(() => null);
  if (!response?.ok) return false;
  const { token } = (await response.json()) as { token: string };
  sessionStorage.setItem(LOCAL_KEY, token);
  replaceAccount();
  return true;
}
