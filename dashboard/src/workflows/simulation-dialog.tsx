"use client";

import { useState } from "react";
import { useQuery } from "urql";
import { SimulationDocument } from "@/gql/simulation";
import { problemOf } from "@/data/problem";
import { saveFile } from "@/data/save-file";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";

interface Props {
  callId: string;
  /** The slug of the workflow that the call ran; null if it has been deleted. */
  workflow: string | null;
}

/** Turns a call into a simulation suite: a file that repeats what the caller said and expects the same outcome. */
export function MakeSimulation({ callId, workflow }: Props) {
  const [isOpen, setOpen] = useState(false);
  if (!useMay("WORKFLOWS_READ")) return null;
  return (
    <>
      <Button icon="copy" onClick={() => setOpen(true)}>
        Make a simulation
      </Button>
      <Dialog
        isWide
        open={isOpen}
        onOpenChange={setOpen}
        title="Simulation of this call"
        description={ABOUT}
      >
        <Suite callId={callId} workflow={workflow} onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const FILE = "call.suite.yaml";
const ABOUT = `The suite repeats what the caller said, and expects the same tool calls, hand-offs and context values. It
  expects no particular words of the agents.`;

function Suite({ callId, workflow, onClose }: Props & { onClose(): void }) {
  const toast = useToast();
  const [{ data, error }, execute] = useQuery({ query: SimulationDocument, variables: { callId } });
  if (error && !data?.simulationFromCall) {
    return <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />;
  }
  if (!data) {
    return (
      <Loading what="the simulation">
        <Skeleton className="mt-4 h-80 w-full" />
      </Loading>
    );
  }
  const yaml = data.simulationFromCall?.yaml;
  if (yaml === undefined) {
    return (
      <div className="mt-4">
        <Notice tone="bad">The call or its workflow has been deleted meanwhile.</Notice>
      </div>
    );
  }
  const slug = workflow ?? "WORKFLOW";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(yaml);
      toast("ok", "The suite was copied.");
    } catch {
      toast("bad", "The browser does not allow copying. Download the file, or select the text and copy it.");
    }
  };
  return (
    <div className="mt-4 grid gap-4">
      <pre tabIndex={0} aria-label="Suite" className="max-h-80 overflow-auto rounded-md border bg-sunken px-3 py-2.5 font-mono text-xs">
        {yaml}
      </pre>
      <div className="text-sm text-muted">
        <p>Save it with a bundle of its workflow in one folder, and run it with the models of the agents:</p>
        <pre
          tabIndex={0}
          aria-label="Commands"
          className="mt-1.5 overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-xs text-text"
        >
          {`./studio export ${slug} > ${slug}.yaml\n./studio simulate ${FILE} --live`}
        </pre>
        <p className="mt-1.5">
          Responses of servers are not in the log of a call: the suite has what the tools saved of them.{" "}
          <a href="/docs/simulations" className="inline-flex min-h-6 items-center text-accent underline">
            How simulations work
          </a>
        </p>
      </div>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>Close</Button>
        <Button icon="copy" onClick={() => void copy()}>
          Copy
        </Button>
        <Button kind="primary" icon="download" onClick={() => saveFile(FILE, yaml, "application/yaml")}>
          Download
        </Button>
      </div>
    </div>
  );
}
