"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import {
  CreateOutboundTrunkDocument,
  DeleteOutboundTrunkDocument,
  OutboundTrunkDocument,
  ResumeOutboundTrunkDocument,
  UpdateOutboundTrunkDocument,
  type OutboundTrunkFormFragment,
  type PauseReason,
} from "@/gql/outbound-trunks";
import { count, exactMoment, ago, listOf, moment } from "@/data/format";
import { messageOf, problemOf } from "@/data/problem";
import { useEdited } from "@/data/use-edited";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Check } from "@/ui/check";
import { EditedForm } from "@/ui/edited-form";
import { Choice, Field } from "@/ui/field";
import { Meter } from "@/ui/meter";
import { Absent, ObjectPage } from "@/ui/object-page";
import { Section } from "@/ui/section";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { DialNumber } from "./dial-dialog";
import { LISTS, pathOf } from "./paths";
import { newOutboundTrunk, outboundChanges, outboundDraft } from "./trunk-draft";
import { CredentialFields, DeleteTrunk, EncryptionChoice } from "./trunk-fields";

export function OutboundPage({ id }: { id: string | null }) {
  const studio = useStudio();
  const [{ data, error }, again] = useRead({ query: OutboundTrunkDocument, variables: { id: id ?? "" }, pause: !id, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  const trunk = data?.outboundTrunk ?? null;
  const title = id ? (trunk?.name ?? "Outbound trunk") : "New outbound trunk";
  useTitle(title);
  const page = { title, list: LISTS.outbound };
  if (!id) return <ObjectPage {...page}>{<OutboundForm trunk={null} reload={() => undefined} />}</ObjectPage>;
  if (!trunk) {
    return (
      <ObjectPage {...page}>
        <Absent what="outbound trunk" icon="phone" list={LISTS.outbound} problem={error ? problemOf(error) : null} isLoaded={data !== undefined} onRetry={reload} />
      </ObjectPage>
    );
  }
  return (
    <ObjectPage
      {...page}
      actions={
        <>
          <DialNumber trunk={trunk} />
          <DeleteTrunk
            kind="outbound"
            name={trunk.name}
            description="Calls that are in progress continue. Its password is deleted, too. This cannot be undone."
            remove={() => studio.mutate(DeleteOutboundTrunkDocument, { input: { id: trunk.id } })}
          />
        </>
      }
    >
      <div className="grid gap-5">
        <State trunk={trunk} reload={reload} />
        <OutboundForm trunk={trunk} reload={reload} />
      </div>
    </ObjectPage>
  );
}

const PAUSES: Record<PauseReason, string> = {
  CARRIER_REFUSED: "The carrier refused several calls in a row. Ask it which destinations it blocks and whether your account is in order, and then resume the trunk.",
  TRUNK_UNAUTHORIZED: "The carrier does not accept the credentials. Set the user name and the password again, and then resume the trunk.",
};

/** What the trunk does today, and what keeps it from dialling. */
function State({ trunk, reload }: { trunk: OutboundTrunkFormFragment; reload(): void }) {
  const { usage, limits, pause, callerIds, isEnabled } = trunk;
  return (
    <>
      {pause && <Pause trunk={trunk} pause={pause} reload={reload} />}
      {!isEnabled && <Notice tone="warn">The trunk is disabled, so nothing is dialled over it. Enable it below.</Notice>}
      {isEnabled && !callerIds.length && (
        <Notice tone="warn">No number may be shown to callees, so nothing is dialled. Choose this trunk as the outbound trunk of one of your numbers.</Notice>
      )}
      <Card>
        <div className="grid gap-5 p-5 sm:grid-cols-2">
          <Meter
            label="Calls today"
            value={`${count(usage.callsToday)} of ${count(limits.callsPerDay)}`}
            used={usage.callsToday}
            limit={limits.callsPerDay}
            note="Counted from midnight UTC."
          />
          <Meter
            label="Minutes today"
            value={`${usage.minutesToday.toFixed(1)} ${limits.minutesPerDay === null ? "· no limit" : `of ${count(limits.minutesPerDay)}`}`}
            used={usage.minutesToday}
            limit={limits.minutesPerDay}
            note="Calls in progress are included."
          />
          {callerIds.length > 0 && <p className="text-sm sm:col-span-2">Callees see {callerIds.join(", ")}.</p>}
        </div>
      </Card>
    </>
  );
}

interface PauseProps {
  trunk: OutboundTrunkFormFragment;
  pause: NonNullable<OutboundTrunkFormFragment["pause"]>;
  reload(): void;
}

function Pause({ trunk, pause, reload }: PauseProps) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("TELEPHONY_WRITE");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const resume = async () => {
    setBusy(true);
    const result = await studio.mutate(ResumeOutboundTrunkDocument, { input: { id: trunk.id } });
    setBusy(false);
    if (!result.ok) return setProblem(messageOf(result.error));
    toast("ok", `The trunk ${trunk.name} dials again.`);
    reload();
  };
  return (
    <Notice tone="bad">
      <p>
        Paused until <time dateTime={pause.until} title={exactMoment(pause.until)}>{moment(pause.until)}</time> ({ago(pause.until)}). {PAUSES[pause.reason]}
      </p>
      {problem && <p className="mt-1">{problem}</p>}
      {mayWrite && (
        <Button className="mt-2" busy={isBusy} onClick={() => void resume()}>
          Resume now
        </Button>
      )}
    </Notice>
  );
}

const REGION_NAMES = new Intl.DisplayNames("en", { type: "region" });

/** The names of the regions that were typed so far. */
function regionNames(text: string): string {
  const codes = listOf(text.toUpperCase()).filter((code) => /^[A-Z]{2}$/.test(code));
  return codes.map((code) => REGION_NAMES.of(code) ?? code).join(", ");
}

function OutboundForm({ trunk, reload }: { trunk: OutboundTrunkFormFragment | null; reload(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const form = useEdited({
    nameOf: (base) => `outbound-trunk:${base?.id ?? ""}`,
    source: trunk,
    draftOf: outboundDraft,
    reload,
    save: async (draft, base) => {
      const result = base
        ? await studio.mutate(UpdateOutboundTrunkDocument, { input: outboundChanges(draft, base) })
        : await studio.mutate(CreateOutboundTrunkDocument, { input: newOutboundTrunk(draft) });
      return result.ok ? { ok: true, value: result.value.trunk } : result;
    },
  });
  const { draft, text, check } = form;
  return (
    <EditedForm
      form={form}
      scope="TELEPHONY_WRITE"
      what="this trunk"
      onSaved={(saved, isNew) => toast("ok", isNew ? `The trunk ${saved.name} was created.` : `The trunk ${saved.name} was saved.`)}
      hrefOf={({ id }) => pathOf("outbound", id)}
    >
      <Section title="Carrier">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" hint="Lower-case letters, digits and hyphens." autoCapitalize="none" spellCheck={false} {...text("name")} />
          <Field
            label="Address"
            placeholder="example.pstn.twilio.com"
            hint="A host name or an IPv4 address, with an optional port. A new one needs the password again."
            autoCapitalize="none"
            spellCheck={false}
            {...text("address")}
          />
          <Choice label="Transport" {...text("transport")}>
            <option value="UDP">UDP, not encrypted</option>
            <option value="TCP">TCP, not encrypted</option>
            <option value="TLS">TLS, encrypted</option>
          </Choice>
          <EncryptionChoice form={form} />
        </div>
        <Check label="Enabled" hint="Calls that are in progress continue when it is disabled." {...check("isEnabled")} />
      </Section>
      <CredentialFields form={form} hasPassword={form.base?.hasPassword ?? false} hint="For SIP digest authentication at the carrier." />
      <Section title="Which numbers may be dialled" text="Numbers of other regions, and numbers that may cost extra, are refused.">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Region" placeholder="US" maxLength={2} hint={regionNames(draft.region) || "The country of the trunk, as an ISO 3166-1 code."} {...text("region")} />
          <Field label="Further regions" placeholder="JM, CA" hint={regionNames(draft.allowedRegions) || "Countries and territories; JM is no part of US."} {...text("allowedRegions")} />
          <Field
            label="Allowed prefixes"
            placeholder="+1876"
            hint="Numbers that start like this are dialled whatever they cost. Separate several with commas."
            {...text("allowedPrefixes")}
          />
          <Field label="Allowed short numbers" placeholder="112" hint="Emergency and service numbers that agents may call." {...text("allowedShortNumbers")} />
        </div>
      </Section>
      <Section title="Limits" text="They bound the damage that a stolen API key can do.">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Calls per second" type="number" min={1} {...text("limits.callsPerSecond")} />
          <Field label="Calls at the same time" type="number" min={1} {...text("limits.concurrentCalls")} />
          <Field label="Calls per day" type="number" min={1} {...text("limits.callsPerDay")} />
          <Field label="Calls per number and hour" type="number" min={1} {...text("limits.callsPerNumberPerHour")} />
          <Field label="Minutes per day" type="number" min={1} hint="Empty: no limit." {...text("limits.minutesPerDay")} />
          <Field label="Maximum duration of a call, in minutes" type="number" min={0} step="any" {...text("maxDuration")} />
        </div>
      </Section>
    </EditedForm>
  );
}
