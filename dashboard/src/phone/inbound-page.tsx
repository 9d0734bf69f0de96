"use client";

import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import {
  CreateInboundTrunkDocument,
  DeleteInboundTrunkDocument,
  InboundTrunkDocument,
  UpdateInboundTrunkDocument,
  type InboundTrunkFormFragment,
} from "@/gql/inbound-trunks";
import { problemOf } from "@/data/problem";
import { useEdited } from "@/data/use-edited";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { Check } from "@/ui/check";
import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { Absent, ObjectPage } from "@/ui/object-page";
import { Section } from "@/ui/section";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { LISTS, pathOf } from "./paths";
import { inboundChanges, inboundDraft, newInboundTrunk } from "./trunk-draft";
import { CredentialFields, DeleteTrunk, EncryptionChoice } from "./trunk-fields";

export function InboundPage({ id }: { id: string | null }) {
  const studio = useStudio();
  const [{ data, error }, again] = useRead({ query: InboundTrunkDocument, variables: { id: id ?? "" }, pause: !id, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  const trunk = data?.inboundTrunk ?? null;
  const title = id ? (trunk?.name ?? "Inbound trunk") : "New inbound trunk";
  useTitle(title);
  const page = { title, list: LISTS.inbound };
  if (!id) return <ObjectPage {...page}>{<InboundForm trunk={null} reload={() => undefined} />}</ObjectPage>;
  if (!trunk) {
    return (
      <ObjectPage {...page}>
        <Absent what="inbound trunk" icon="phone" list={LISTS.inbound} problem={error ? problemOf(error) : null} isLoaded={data !== undefined} onRetry={reload} />
      </ObjectPage>
    );
  }
  return (
    <ObjectPage
      {...page}
      actions={
        <DeleteTrunk
          kind="inbound"
          name={trunk.name}
          description="Calls from the carrier are no longer accepted. This cannot be undone."
          remove={() => studio.mutate(DeleteInboundTrunkDocument, { input: { id: trunk.id } })}
        />
      }
    >
      <div className="grid gap-5">
        <State trunk={trunk} />
        <InboundForm trunk={trunk} reload={reload} />
      </div>
    </ObjectPage>
  );
}

function State({ trunk: { isEnabled, numbers } }: { trunk: InboundTrunkFormFragment }) {
  if (!isEnabled) return <Notice tone="warn">The trunk is disabled, so the calls of the carrier are not accepted. Enable it below.</Notice>;
  if (numbers.length) return <Notice tone="info">Accepts calls to {numbers.join(", ")}. LiveKit has every change within a few seconds.</Notice>;
  return (
    <Notice tone="warn">
      No number uses the trunk, so no call is accepted.{" "}
      <Link href={LISTS.number.href} className="underline">
        Choose it for one of your numbers.
      </Link>
    </Notice>
  );
}

function InboundForm({ trunk, reload }: { trunk: InboundTrunkFormFragment | null; reload(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const form = useEdited({
    nameOf: (base) => `inbound-trunk:${base?.id ?? ""}`,
    source: trunk,
    draftOf: inboundDraft,
    reload,
    save: async (draft, base) => {
      const result = base
        ? await studio.mutate(UpdateInboundTrunkDocument, { input: inboundChanges(draft, base) })
        : await studio.mutate(CreateInboundTrunkDocument, { input: newInboundTrunk(draft) });
      return result.ok ? { ok: true, value: result.value.trunk } : result;
    },
  });
  const { text, check } = form;
  return (
    <EditedForm
      form={form}
      scope="TELEPHONY_WRITE"
      what="this trunk"
      onSaved={(saved, isNew) => toast("ok", isNew ? `The trunk ${saved.name} was created.` : `The trunk ${saved.name} was saved.`)}
      hrefOf={({ id }) => pathOf("inbound", id)}
    >
      <Section title="Carrier">
        <Field label="Name" hint="Lower-case letters, digits and hyphens." autoCapitalize="none" spellCheck={false} {...text("name")} />
        <Field
          label="Allowed addresses"
          placeholder="192.0.2.0/30, 198.51.100.7/32"
          hint="The networks from which the carrier sends calls, in CIDR notation. Calls from elsewhere are not accepted."
          spellCheck={false}
          {...text("allowedAddresses")}
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <EncryptionChoice form={form} />
          <Field label="Maximum duration of a call, in minutes" type="number" min={0} step="any" {...text("maxDuration")} />
        </div>
        <Check label="Enabled" hint="Calls that are in progress continue when it is disabled." {...check("isEnabled")} />
      </Section>
      <CredentialFields form={form} hasPassword={form.base?.hasPassword ?? false} hint="With them, the carrier has to authenticate (SIP digest) in addition to the address." />
      <Section title="Context">
        <Field
          label="SIP headers"
          placeholder="X-Campaign, Diversion"
          hint="Agents read X-Campaign as {{user.sip_headers.x_campaign}}. Other headers are dropped."
          autoCapitalize="none"
          spellCheck={false}
          {...text("contextHeaders")}
        />
      </Section>
    </EditedForm>
  );
}
