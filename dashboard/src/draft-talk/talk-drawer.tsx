"use client";

import { useState } from "react";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Drawer } from "@/ui/dialog";
import { TalkPanel } from "./talk-panel";

const TITLE = "Talk to the draft";

/** The panel next to a page; `workflowId` is null while it is closed. */
export function TalkDrawer({ workflowId, onClose }: { workflowId: string | null; onClose(): void }) {
  return (
    <Drawer side="right" open={workflowId !== null} onOpenChange={(isOpen) => !isOpen && onClose()} title={TITLE}>
      <div className="flex h-14 items-center justify-between border-b px-4">
        <p className="text-base font-semibold" aria-hidden="true">
          {TITLE}
        </p>
        <Button kind="ghost" icon="close" aria-label="Close" onClick={onClose} />
      </div>
      {workflowId !== null && <TalkPanel workflowId={workflowId} />}
    </Drawer>
  );
}

export function TalkButton({ workflowId }: { workflowId: string }) {
  const [isOpen, setOpen] = useState(false);
  if (!useMay("CALLS_WRITE")) return null;
  return (
    <>
      <Button icon="text" onClick={() => setOpen(true)}>
        {TITLE}
      </Button>
      <TalkDrawer workflowId={isOpen ? workflowId : null} onClose={() => setOpen(false)} />
    </>
  );
}
