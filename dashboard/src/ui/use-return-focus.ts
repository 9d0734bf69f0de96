"use client";

import { useRef, type RefObject } from "react";

/** The element that opened a dialog: for an item of a menu, which closes, the button of the menu. */
function opener(): HTMLElement | null {
  const active = document.activeElement;
  const menu = active?.closest("[role=menu]");
  const found = menu ? document.getElementById(menu.getAttribute("aria-labelledby") ?? "") : active;
  return found instanceof HTMLElement && found !== document.body ? found : null;
}

/** The opener of the dialog that was opened last and is not closed yet. */
let latest: RefObject<HTMLElement | null> | null = null;

/** Gives the focus back when a dialog closes, or to `otherwise` if what opened it is gone. Radix does it only for its own triggers. */
export function useReturnFocus(otherwise?: RefObject<HTMLElement | null>) {
  const before = useRef<HTMLElement | null>(null);
  return {
    onOpenAutoFocus: () => {
      // A dialog that takes the place of another one was opened by something that has gone with that one.
      before.current = opener() ?? latest?.current ?? null;
      latest = before;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      if (latest === before) latest = null;
      if (before.current?.isConnected) before.current.focus({ preventScroll: true });
      else otherwise?.current?.focus();
    },
  };
}
