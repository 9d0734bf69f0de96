"use client";

import { useRouter } from "next/navigation";
import { newKey } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useMemo, useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { DialNumberDocument } from "@/gql/dial";
import type { OutboundTrunkFormFragment } from "@/gql/outbound-trunks";
import { NumberChoicesDocument } from "@/gql/phone-numbers";
import { durationIn, orNone } from "@/data/form-values";
import { useForm } from "@/data/use-form";
import { useMounted } from "@/data/use-mounted";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Choice, Field } from "@/ui/field";
import { More } from "@/ui/more";
import { NotRead } from "@/ui/not-read";
import { Notice } from "@/ui/states";

type Trunk = Pick<OutboundTrunkFormFragment, "id" | "name" | "callerIds">;

/** Calls a number over a trunk, and opens the page of the call. */
export function DialNumber({ trunk }: { trunk: Trunk }) {
  const [isOpen, setOpen] = useState(false);
  const may = useMay("CALLS_WRITE");
  if (!may) return null;
  return (
    <>
      <Button icon="calls" onClick={() => setOpen(true)}>
        Call a number
      </Button>
      <Dialog open={isOpen} onOpenChange={setOpen} isWide title={`Call over ${trunk.name}`} description="A worker dials the number, and the first agent of the workflow speaks when it is answered.">
        <DialForm trunk={trunk} onCancel={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

const EMPTY = {
  workflow: "",
  phoneNumber: "",
  trunk: "",
  callerNumber: "",
  ringingTimeout: "",
  maxDuration: "",
  scheduledFor: "",
  "allowedHours.start": "",
  "allowedHours.end": "",
  "allowedHours.timeZone": "",
};

const WHEN = ["scheduledFor", "ringingTimeout", "maxDuration", "allowedHours"];

function DialForm({ trunk, onCancel }: { trunk: Trunk; onCancel(): void }) {
  const router = useRouter();
  const studio = useStudio();
  const isShown = useMounted();
  const form = useForm(EMPTY);
  const [{ data, error }, readChoices] = useQuery({ query: NumberChoicesDocument, requestPolicy: "cache-and-network" });
  const { draft, text, problemAt } = form;
  // The same values twice, for instance after a lost response, dial once.
  const idempotencyKey = useMemo(() => newKey(), [draft]);
  const workflows = data?.workflows?.edges.map(({ node }) => node) ?? [];
  const workflow = workflows.find(({ slug }) => slug === draft.workflow) ?? workflows.find(({ published }) => published) ?? workflows[0];
  const dial = async (event: FormEvent) => {
    event.preventDefault();
    if (!workflow) return;
    const started = await form.submit(() => {
      const [start, end, timeZone] = [orNone(draft["allowedHours.start"]), orNone(draft["allowedHours.end"]), orNone(draft["allowedHours.timeZone"])];
      return studio.mutate(DialNumberDocument, {
        input: {
          workflow: { slug: workflow.slug },
          draft: !workflow.published,
          kind: "SIP",
          trunk: trunk.id,
          phoneNumber: draft.phoneNumber.replaceAll(/[\s()-]/g, ""),
          callerNumber: orNone(draft.callerNumber),
          ringingTimeout: durationIn("ringingTimeout", draft.ringingTimeout, "seconds"),
          maxDuration: durationIn("maxDuration", draft.maxDuration, "minutes"),
          scheduledFor: draft.scheduledFor ? new Date(draft.scheduledFor).toISOString() : null,
          ...((start || end || timeZone) && { allowedHours: { start, end, timeZone } }),
          idempotencyKey,
        },
      });
    });
    if (started && isShown.current) router.push(`/call/?id=${encodeURIComponent(started.callId)}`);
  };
  return (
    <form ref={form.element} className="mt-4 grid gap-4" noValidate onSubmit={(event) => void dial(event)}>
      {form.problem && <Notice tone="bad">{form.problem}</Notice>}
      {problemAt("trunk") && <Notice tone="bad">{problemAt("trunk")}</Notice>}
      {data && !workflow && <Notice tone="warn">There is no workflow yet that could talk.</Notice>}
      <Field label="Number to call" type="tel" placeholder="+12025550123" hint="In E.164, or a short number that the trunk allows." {...text("phoneNumber")} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice label="Workflow" {...text("workflow")} value={workflow?.slug ?? ""} hint={workflow && !workflow.published ? "It is not published, so the call runs the draft." : undefined}>
          {workflows.map(({ id, slug, name, published }) => (
            <option key={id} value={slug}>
              {name}
              {published ? "" : " (draft)"}
            </option>
          ))}
        </Choice>
        <Choice label="Number that the callee sees" {...text("callerNumber")}>
          <option value="">The oldest one of the trunk</option>
          {trunk.callerIds.map((number) => (
            <option key={number} value={number}>
              {number}
            </option>
          ))}
        </Choice>
      </div>
      <NotRead what="The workflows" error={data ? undefined : error} onRetry={() => readChoices({ requestPolicy: "network-only" })} />
      <More title="When, and for how long" isNeeded={WHEN.some((name) => problemAt(name))}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Dial at" type="datetime-local" hint="Empty: now. At most 30 days ahead." {...text("scheduledFor")} />
          <Field label="Ringing timeout, in seconds" type="number" min={5} max={75} placeholder="30" {...text("ringingTimeout")} />
          <Field label="Maximum duration, in minutes" type="number" min={0} step="any" hint="Empty: that of the trunk." {...text("maxDuration")} />
          <Field label="Time zone of the callee" placeholder="Europe/Berlin" hint="Empty: that of the number." {...text("allowedHours.timeZone")} />
          <Field label="Not before" type="time" {...text("allowedHours.start")} />
          <Field label="Not after" type="time" hint="Both empty: the hours of the settings." {...text("allowedHours.end")} />
        </div>
      </More>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind="primary" icon="calls" busy={form.isBusy} disabled={!workflow}>
          {draft.scheduledFor ? "Schedule the call" : "Call now"}
        </Button>
      </div>
    </form>
  );
}
