// The way to an identity provider and back. The page keeps a verifier; the handoff that it comes back with is
// worth nothing without it.

import type { TypedError } from './results.js';

const VERIFIER = 'agent-studio:verifier';
const INVITATION = 'agent-studio:invitation';

export interface StartOptions {
  /** Where the browser comes back to; this page if omitted. Its origin has to be allowed by the API. */
  readonly returnTo?: string;
  /** The token of an invitation that this sign-in accepts. */
  readonly invitation?: string;
}

export interface Handoff {
  readonly handoff: string;
  readonly verifier: string;
  readonly invitation: string | null;
}

export async function startingAddress(startUrl: string, options: StartOptions): Promise<string> {
  const verifier = encode(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem(VERIFIER, verifier);
  if (options.invitation) sessionStorage.setItem(INVITATION, options.invitation);
  else sessionStorage.removeItem(INVITATION);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const address = new URL(startUrl, location.href);
  address.searchParams.set('challenge', encode(new Uint8Array(digest)));
  address.searchParams.set('return_to', options.returnTo ?? location.href.split('#')[0] ?? '');
  return address.href;
}

/** What the fragment of the address says. It is removed, because a handoff works once. */
export function readReturn(): Handoff | TypedError | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const handoff = fragment.get('handoff');
  const code = fragment.get('sign_in_error');
  if (handoff === null && code === null) return null;
  history.replaceState(history.state, '', location.href.split('#')[0]);
  const [verifier, invitation] = [VERIFIER, INVITATION].map((key) => {
    const value = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return value;
  });
  if (code !== null) return refusal(code, `The identity provider did not sign you in (${code}).`);
  if (!handoff || !verifier) return refusal('SIGN_IN_FAILED', 'This sign-in was not started in this tab.');
  return { handoff, verifier, invitation: invitation ?? null };
}

const refusal = (code: string, message: string): TypedError => ({ __typename: 'SignInError', code, message });

const encode = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
