"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { useQuery } from "urql";
import {
  CreatePhoneNumberDocument,
  DeletePhoneNumberDocument,
  NumberChoicesDocument,
  PhoneNumberDocument,
  UpdatePhoneNumberDocument,
  type Attestation,
  type NumberFormFragment,
} from "@/gql/phone-numbers";
import { problemOf } from "@/data/problem";
import { useEdited, type Edited } from "@/data/use-edited";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { EditedForm } from "@/ui/edited-form";
import { Choice, Field, TextArea } from "@/ui/field";
import { JsonField } from "@/ui/json-field";
import { NotRead } from "@/ui/not-read";
import { Absent, ObjectPage } from "@/ui/object-page";
import { Section } from "@/ui/section";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { newNumber, numberChanges, numberDraft, type NumberDraft } from "./number-draft";
import { answeringOf } from "./number-list";
import { LISTS, pathOf } from "./paths";

export function NumberPage({ id }: { id: string | null }) {
  const [{ data, error }, again] = useRead({ query: PhoneNumberDocument, variables: { by: { id: id ?? "" } }, pause: !id, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  const number = data?.phoneNumber ?? null;
  const title = id ? (number?.number ?? "Phone number") : "New number";
  useTitle(title);
  const page = { title, list: LISTS.number };
  if (!id) return <ObjectPage {...page}>{<NumberForm number={null} reload={() => undefined} />}</ObjectPage>;
  if (!number) {
    return (
      <ObjectPage {...page}>
        <Absent what="phone number" icon="phone" list={LISTS.number} problem={error ? problemOf(error) : null} isLoaded={data !== undefined} onRetry={reload} />
      </ObjectPage>
    );
  }
  return (
    <ObjectPage {...page} actions={<Delete number={number} />}>
      <NumberForm number={number} reload={reload} />
    </ObjectPage>
  );
}

const ATTESTATIONS: readonly { value: Attestation; label: string }[] = [
  { value: "FAILED", label: "Failed: the signature is not valid, so the number may be forged" },
  { value: "NONE", label: "None: nothing was signed or reported, which is usual outside of the United States and Canada" },
  { value: "GATEWAY", label: "C: only the gateway is known" },
  { value: "PARTIAL", label: "B: the caller is known, and not whether the number is theirs" },
  { value: "FULL", label: "A: the number is the caller's" },
];

function NumberForm({ number, reload }: { number: NumberFormFragment | null; reload(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const form = useEdited({
    nameOf: (base) => `phone-number:${base?.id ?? ""}`,
    source: number,
    draftOf: numberDraft,
    reload,
    save: async (draft, base) => {
      const result = base
        ? await studio.mutate(UpdatePhoneNumberDocument, { input: numberChanges(draft, base) })
        : await studio.mutate(CreatePhoneNumberDocument, { input: newNumber(draft) });
      return result.ok ? { ok: true, value: result.value.phoneNumber } : result;
    },
  });
  const { draft, set, text, problemAt } = form;
  const answering = number && answeringOf(number);
  return (
    <EditedForm
      form={form}
      scope="TELEPHONY_WRITE"
      what="this number"
      onSaved={(saved, isNew) => toast("ok", isNew ? `The number ${saved.number} was created.` : `The number ${saved.number} was saved.`)}
      hrefOf={({ id }) => pathOf("number", id)}
    >
      {answering && (
        <Notice tone={answering.tone === "bad" || answering.tone === "warn" ? answering.tone : "info"}>
          {answering.text}
          {answering.tone === "ok" && " LiveKit has every change within a few seconds."}
        </Notice>
      )}
      <Section title="Number">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="Number"
            type="tel"
            hint={number ? "A number cannot be changed. Create another one instead." : "In E.164: +, the country code and the number, without spaces."}
            placeholder="+12025550123"
            readOnly={number !== null}
            className="read-only:bg-sunken"
            {...text("number")}
          />
          <Field label="Label" hint="What the number is for." {...text("label")} />
        </div>
      </Section>
      <Section title="Calls">
        <Routes form={form} />
      </Section>
      <Section title="What calls start with" text="Fields that are empty leave the decision to the workflow, the trunk or the installation.">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Language" placeholder="en-US" hint="BCP 47 tag. Empty: that of the agent." {...text("defaults.language")} />
          <Choice label="Recording" {...text("defaults.recording")}>
            <option value="">As the workflow says</option>
            <option value="yes">Record calls</option>
            <option value="no">Do not record calls</option>
          </Choice>
          <Field label="Ringing timeout, in seconds" type="number" min={5} max={75} placeholder="30" hint="5 to 75 seconds." {...text("defaults.ringingTimeout")} />
          <Field label="Maximum duration, in minutes" type="number" min={0} step="any" hint="Empty: that of the trunk." {...text("defaults.maxDuration")} />
          <Field
            label="Earlier calls"
            type="number"
            min={0}
            max={10}
            hint={"How many earlier calls of a caller templates read as {{user.earlier_calls}}, 0 to 10."}
            {...text("earlierCalls")}
          />
        </div>
        <JsonField
          label="User context"
          rows={4}
          hint={"A JSON object. Templates read its values as {{user.<key>}}."}
          value={draft["defaults.userContext"]}
          problem={problemAt("defaults.userContext")}
          onChange={(value) => set("defaults.userContext", value)}
        />
      </Section>
      <Section title="When all workers are busy">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Rings before the hold, in seconds" type="number" min={1} hint="Empty: as the installation is set." {...text("hold.after")} />
          <Field label="Longest hold, in seconds" type="number" min={0} hint="0: callers are never put on hold. Empty: as the installation is set." {...text("hold.timeout")} />
        </div>
        <TextArea label="Announcement" rows={2} maxLength={500} hint="What callers hear on hold. Empty: a text in the language of the agent." {...text("hold.announcement")} />
        <TextArea label="Goodbye" rows={2} maxLength={500} hint="What a caller hears who has waited for too long." {...text("hold.goodbye")} />
      </Section>
      <Section title="Refused callers" text="Calls whose number is attested like this are declined before a worker is asked (STIR/SHAKEN).">
        <div className="grid gap-1">
          {ATTESTATIONS.map(({ value, label }) => (
            <Check
              key={value}
              label={label}
              checked={draft.refusedAttestations.includes(value)}
              onChange={({ target }) =>
                set("refusedAttestations", target.checked ? [...draft.refusedAttestations, value] : draft.refusedAttestations.filter((each) => each !== value))
              }
            />
          ))}
        </div>
        {problemAt("refusedAttestations") && <p className="text-xs text-bad">{problemAt("refusedAttestations")}</p>}
      </Section>
    </EditedForm>
  );
}

function Routes({ form: { text, base } }: { form: Edited<NumberFormFragment, NumberDraft> }) {
  const [{ data, error }, readChoices] = useQuery({ query: NumberChoicesDocument, requestPolicy: "cache-and-network" });
  const workflows = data?.workflows?.edges.map(({ node }) => node) ?? [];
  const inbound = data?.inboundTrunks?.edges.map(({ node }) => node) ?? [];
  const outbound = data?.outboundTrunks?.edges.map(({ node }) => node) ?? [];
  return (
    <>
      <Choice label="Workflow that answers" {...text("workflowId")}>
        <option value="">None: calls are not answered</option>
        {withCurrent(workflows, base?.workflow ?? null).map(({ id, name, published }) => (
          <option key={id} value={id}>
            {name}
            {published ? "" : " (not published)"}
          </option>
        ))}
      </Choice>
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice label="Inbound trunk" hint="The trunk that calls to the number come from." {...text("inboundTrunkId")}>
          <TrunkOptions trunks={withCurrent(inbound, base?.inboundTrunk ?? null)} />
        </Choice>
        <Choice label="Outbound trunk" hint="The trunk whose calls may show the number." {...text("outboundTrunkId")}>
          <TrunkOptions trunks={withCurrent(outbound, base?.outboundTrunk ?? null)} />
        </Choice>
      </div>
      <NotRead what="The workflows and trunks" error={data ? undefined : error} onRetry={() => readChoices({ requestPolicy: "network-only" })} />
    </>
  );
}

/** The choice that is stored, also before the others are loaded or if they are too many. */
const withCurrent = <Item extends { readonly id: string }>(items: readonly Item[], current: Item | null): readonly Item[] =>
  current && !items.some(({ id }) => id === current.id) ? [current, ...items] : items;

function TrunkOptions({ trunks }: { trunks: readonly { id: string; name: string; isEnabled: boolean }[] }) {
  return (
    <>
      <option value="">None</option>
      {trunks.map(({ id, name, isEnabled }) => (
        <option key={id} value={id}>
          {name}
          {isEnabled ? "" : " (disabled)"}
        </option>
      ))}
    </>
  );
}

function Delete({ number }: { number: NumberFormFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("TELEPHONY_WRITE");
  const [isAsking, setAsking] = useState(false);
  if (!mayWrite) return null;
  return (
    <>
      <Button onClick={() => setAsking(true)}>Release</Button>
      <ConfirmDelete
        open={isAsking}
        onClose={() => setAsking(false)}
        title={`Release ${number.number}?`}
        description="Calls to it are no longer answered, and another tenant can take the number. Your carrier is not informed. This cannot be undone."
        confirm="Release the number"
        remove={() => studio.mutate(DeletePhoneNumberDocument, { input: { id: number.id } })}
        onRemoved={() => toast("ok", `The number ${number.number} was released.`)}
        next={LISTS.number.href}
      />
    </>
  );
}
