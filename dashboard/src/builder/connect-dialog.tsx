"use client";

import type { RefObject } from "react";
import { Dialog } from "@/ui/dialog";
import { idOf, refusalOf, type Draft } from "./model";

interface Props {
  draft: Draft;
  /** The node where the connection starts; null while the dialog is closed. */
  source: string | null;
  /** What has the focus after a connection was made: the panel of the node, with the button that opened the dialog, is gone. */
  focusOtherwise: RefObject<HTMLElement | null>;
  onClose(): void;
  onConnect(target: string): void;
}

/** Connects two nodes without a pointer. */
export function ConnectDialog({ draft, source, focusOtherwise, onClose, onConnect }: Props) {
  return (
    <Dialog
      open={source !== null}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title={`Connect ${idOf(draft, source ?? "")} to`}
      focusOtherwise={focusOtherwise}
    >
      <ul className="mt-3 grid gap-1">
        {draft.nodes.map(({ uid, id, agent }) => {
          const refusal = source === null ? "" : refusalOf(draft, source, uid);
          return (
            <li key={uid}>
              <button
                type="button"
                disabled={refusal !== ""}
                className="flex min-h-9 w-full flex-wrap items-center gap-x-3 rounded-md px-2.5 py-1 text-left text-sm enabled:hover:bg-hover"
                onClick={() => onConnect(uid)}
              >
                <span className="font-mono text-[13px] font-medium">{id}</span>
                <span className="text-muted">{refusal || agent}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}
