"use client";

import { useRouter } from "next/navigation";
import { newKey } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { StartableWorkflowsDocument, StartCallDocument } from "@/gql/start-call";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button, buttonClass, type ButtonKind } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Choice } from "@/ui/field";
import { Notice } from "@/ui/states";

/** Starts a text call of a workflow and opens its page; a voice call is started on its own page. */
export function StartCall({ kind = "secondary" }: { kind?: ButtonKind }) {
  const [isOpen, setOpen] = useState(false);
  const may = useMay("CALLS_WRITE");
  if (!may) return null;
  return (
    <>
      <Button kind={kind} icon="plus" onClick={() => setOpen(true)}>
        New call
      </Button>
      <Dialog open={isOpen} onOpenChange={setOpen} title="New call" description="A text call opens here. A voice call uses the microphone of this device.">
        <Form />
      </Dialog>
    </>
  );
}

function Form() {
  const router = useRouter();
  const studio = useStudio();
  const [{ data }] = useQuery({ query: StartableWorkflowsDocument, requestPolicy: "cache-and-network" });
  const [chosen, setChosen] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  // One key while the dialog is open: a call that was started although its response was lost is not started twice.
  const [key] = useState(newKey);
  const workflows = data?.workflows?.edges.map(({ node }) => node) ?? [];
  const workflow = workflows.find(({ slug }) => slug === chosen) ?? workflows.find(({ published }) => published) ?? workflows[0];

  const start = async (event: FormEvent) => {
    event.preventDefault();
    if (!workflow || isBusy) return;
    setBusy(true);
    const input = { workflow: { slug: workflow.slug }, draft: !workflow.published, idempotencyKey: `${key} ${workflow.slug}` };
    const result = await studio.mutate(StartCallDocument, { input });
    setBusy(false);
    if (result.ok) router.push(`/call/?id=${encodeURIComponent(result.value.callId)}`);
    else setProblem(messageOf(result.error));
  };
  if (data && !workflows.length) return <p className="mt-4 text-sm">There is no workflow yet.</p>;
  return (
    <form className="mt-4 grid gap-4" onSubmit={(event) => void start(event)}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      <Choice
        label="Workflow"
        value={workflow?.slug ?? ""}
        onChange={({ target }) => setChosen(target.value)}
        hint={workflow && !workflow.published ? "It is not published, so the call runs the draft." : undefined}
      >
        {workflows.map(({ slug, name, published }) => (
          <option key={slug} value={slug}>
            {name}
            {published ? "" : " (draft)"}
          </option>
        ))}
      </Choice>
      <div className="flex flex-wrap justify-end gap-2">
        {workflow?.published && (
          <a href={`/talk?workflow=${encodeURIComponent(workflow.slug)}`} className={buttonClass("secondary")}>
            Talk with the microphone
          </a>
        )}
        <Button type="submit" kind="primary" icon="text" busy={isBusy}>
          Start a text call
        </Button>
      </div>
    </form>
  );
}
