"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { DeleteToolDocument } from "@/gql/tools";
import { messageOf } from "@/data/problem";
import { Confirm } from "@/ui/dialog";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";

interface Props {
  target: { readonly id: string; readonly name: string } | null;
  onClose(): void;
  onDeleted(): void;
}

export function DeleteTool({ target, onClose, onDeleted }: Props) {
  const studio = useStudio();
  const toast = useToast();
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const close = () => {
    setProblem("");
    onClose();
  };
  const remove = async () => {
    if (!target) return;
    setBusy(true);
    const result = await studio.mutate(DeleteToolDocument, { input: { id: target.id } });
    setBusy(false);
    if (result.ok) {
      toast("ok", `The tool ${target.name} was deleted.`);
      close();
      return onDeleted();
    }
    const isUsed = "usedBy" in result.error;
    setProblem(`${messageOf(result.error)}${isUsed ? " Remove it from these agents first." : ""}`);
  };
  return (
    <Confirm
      open={target !== null}
      onOpenChange={(isOpen) => !isOpen && close()}
      title={`Delete ${target?.name ?? "the tool"}?`}
      description="Published versions of workflows keep their copy of the tool, and calls that run continue. This cannot be undone."
      confirm="Delete the tool"
      busy={isBusy}
      problem={
        problem && (
          <div className="mt-3">
            <Notice tone="bad">{problem}</Notice>
          </div>
        )
      }
      onConfirm={() => void remove()}
    />
  );
}
