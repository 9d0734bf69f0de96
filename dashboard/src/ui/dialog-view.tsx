"use client";

import { Dialog as Radix } from "radix-ui";
import { useCallback, useState } from "react";
import type { DialogProps, DrawerProps } from "./dialog";
import { Holding } from "./held-dialog";
import { useReturnFocus } from "./use-return-focus";

const SIDES = {
  left: "left-0 w-[min(82vw,18rem)] border-r",
  right: "right-0 w-[min(100vw,28rem)] border-l",
} as const;

const OVERLAY = "fixed inset-0 z-40 bg-black/45 fade-in";

/** Escape closes the completions of a code editor, and lets Tab leave it; it must not close the dialog around it as well. */
function keepForEditor(event: KeyboardEvent) {
  if (event.target instanceof Element && event.target.closest(".cm-editor")) event.preventDefault();
}

export function DialogView({ open, onOpenChange, title, description, children, isWide = false, focusOtherwise }: DialogProps) {
  const [holds, setHolds] = useState(0);
  const hold = useCallback((isHeld: boolean) => setHolds((count) => count + (isHeld ? 1 : -1)), []);
  const keep = (event: Event) => holds > 0 && event.preventDefault();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onEscapeKeyDown={(event) => {
            keepForEditor(event);
            keep(event);
          }}
          onInteractOutside={keep}
          className={`fade-in fixed top-1/2 left-1/2 z-50 max-h-[88dvh] -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-xl
            border bg-raised p-5 shadow-large ${isWide ? "w-[min(92vw,40rem)]" : "w-[min(92vw,28rem)]"}`}
          {...useReturnFocus(focusOtherwise)}
        >
          <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
          {description && <Radix.Description className="mt-1.5 text-sm text-muted">{description}</Radix.Description>}
          <Holding value={hold}>{children}</Holding>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function DrawerView({ open, onOpenChange, title, children, side = "left" }: DrawerProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          aria-describedby={undefined}
          className={`fade-in fixed inset-y-0 z-50 flex flex-col overflow-y-auto bg-surface shadow-large ${SIDES[side]}`}
          {...useReturnFocus()}
        >
          <Radix.Title className="sr-only">{title}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
