"use client";

import { useState } from "react";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { useOnDemand } from "@/ui/on-demand";
import { Loading, Skeleton } from "@/ui/states";

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
      <Dialog isWide open={isOpen} onOpenChange={setOpen} title="Publish the draft" description={ABOUT}>
        {!form && (
          <Loading what="the changes">
            <Skeleton className="mt-4 h-40 w-full" />
          </Loading>
        )}
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
