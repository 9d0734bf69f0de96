// Signs in with an identity provider: the browser goes there with the challenge of a verifier that this tab
// keeps, and comes back with a handoff in the fragment, which is worth nothing without the verifier.

const VERIFIER = "agent-studio:verifier";
const INVITATION = "agent-studio:invitation";

export const ERRORS = {
  DENIED_BY_PROVIDER: "The identity provider did not sign you in.",
  NO_ROLE: "None of your groups has a role here. Ask an administrator for access.",
  TOO_MANY_GROUPS: "You are in more groups than the identity provider lists. Ask an administrator.",
  CLAIM_MISMATCH: "This account is not admitted here. Sign in with another one.",
  PROVIDER_DISABLED: "Signing in with this identity provider is switched off.",
  PROVIDER_UNAVAILABLE: "The identity provider is not available. Try again later.",
  RATE_LIMITED: "Too many attempts to sign in. Try again in a minute.",
};

const encode = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export async function begin(startUrl, invitation) {
  const verifier = encode(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem(VERIFIER, verifier);
  if (invitation) sessionStorage.setItem(INVITATION, invitation);
  else sessionStorage.removeItem(INVITATION);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    challenge: encode(new Uint8Array(digest)),
    return_to: location.origin + location.pathname + location.search,
  });
  location.assign(`${startUrl}?${query}`);
}

/** What `finishSignIn` needs for a handoff. */
export function finished(handoff) {
  const verifier = sessionStorage.getItem(VERIFIER) ?? "";
  const invitation = sessionStorage.getItem(INVITATION);
  sessionStorage.removeItem(VERIFIER);
  sessionStorage.removeItem(INVITATION);
  return { handoff, verifier, invitation };
}
