// The policy of the page allows style elements with the nonce of the response. Radix makes one while a dialog locks the
// scrolling of the page.

import { setNonce } from "get-nonce";

if (typeof document !== "undefined") {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.nonce;
  if (nonce) setNonce(nonce);
}
