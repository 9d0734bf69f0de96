"use client";

import { useState } from "react";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { useOnDemand } from "@/ui/on-demand";

const ABOUT = "New calls run what you publish, and its agents and tools as they are now. Calls in progress keep their version.";

const load = () => import("./publish-form");

interface Props {
  workflowId: string;
  /** There are edits that are not saved, so they would not be published. */
  isUnsaved?: boolean;
  onPublished?: () => void;
}

/** Publishes the draft of a workflow, with a note, after a look at what changes. */
export function PublishButton({ workflowId, isUnsaved = false, onPublished }: Props) {
  const [isOpen, setOpen] = useState(false);
  const form = useOnDemand(load, isOpen, () => setOpen(false));
  if (!useMay("WORKFLOWS_WRITE")) return null;
  return (
    <>
      <Button kind="primary" icon="check" onClick={() => setOpen(true)}>
        Publish…
      </Button>
      <Dialog isWide open={isOpen && form !== null} onOpenChange={setOpen} title="Publish the draft" description={ABOUT}>
        {form && (
          <form.PublishForm
            workflowId={workflowId}
            isUnsaved={isUnsaved}
            onCancel={() => setOpen(false)}
            onPublished={() => {
              setOpen(false);
              onPublished?.();
            }}
          />
        )}
      </Dialog>
    </>
  );
}
