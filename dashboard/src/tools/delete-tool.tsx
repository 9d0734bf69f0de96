"use client";

import { useStudio } from "agent-studio-client/react";
import { DeleteToolDocument } from "@/gql/tools";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { useToast } from "@/ui/toast";

interface Props {
  target: { readonly id: string; readonly name: string } | null;
  onClose(): void;
  onDeleted?(): void;
  /** Where the reader continues. */
  next?: string;
}

export function DeleteTool({ target, onClose, onDeleted, next }: Props) {
  const studio = useStudio();
  const toast = useToast();
  return (
    <ConfirmDelete
      open={target !== null}
      onClose={onClose}
      title={`Delete ${target?.name ?? "the tool"}?`}
      description="Published versions of workflows keep their copy of the tool, and calls that run continue. This cannot be undone."
      confirm="Delete the tool"
      inUse="Remove it from these agents first."
      remove={() => studio.mutate(DeleteToolDocument, { input: { id: target?.id ?? "" } })}
      onRemoved={() => {
        toast("ok", `The tool ${target?.name ?? ""} was deleted.`);
        onDeleted?.();
      }}
      next={next}
    />
  );
}
