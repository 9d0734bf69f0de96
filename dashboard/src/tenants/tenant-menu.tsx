"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { RestoreTenantDocument, ResumeTenantDocument, type TenantRowFragment } from "@/gql/tenants";
import { messageOf } from "@/data/problem";
import { useViewer } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { useToast } from "@/ui/toast";
import { DeleteTenant, EditTenant, SuspendTenant } from "./tenant-forms";

const OWN = "This is your own tenant, so you could not undo it.";

const STEPS = {
  edit: { title: "Edit", description: "" },
  suspend: { title: "Suspend", description: "Its keys and sessions are refused, its calls end, and its data is kept." },
  delete: { title: "Delete", description: "It is suspended at once. Its data is deleted when the days have passed; until then, you can restore it." },
} as const;

export function TenantMenu({ tenant, onChanged }: { tenant: TenantRowFragment; onChanged(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const isOwn = useViewer()?.tenant.slug === tenant.slug;
  const [step, setStep] = useState<keyof typeof STEPS | null>(null);
  const input = { id: tenant.id };
  const restore = async () => {
    const result = tenant.deleteAt ? await studio.mutate(RestoreTenantDocument, { input }) : await studio.mutate(ResumeTenantDocument, { input });
    if (!result.ok) return toast("bad", messageOf(result.error));
    toast("ok", tenant.deleteAt ? `The deletion of ${tenant.name} was canceled.` : `${tenant.name} can use the installation again.`);
    onChanged();
  };
  const props = {
    tenant,
    onCancel: () => setStep(null),
    onDone: (text: string) => {
      toast("ok", text);
      setStep(null);
      onChanged();
    },
  };
  return (
    <>
      <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${tenant.name}`} />}>
        <MenuItem icon="tool" onSelect={() => setStep("edit")}>
          Edit…
        </MenuItem>
        {tenant.state === "ACTIVE" ? (
          <MenuItem icon="stop" refused={isOwn ? OWN : undefined} onSelect={() => setStep("suspend")}>
            Suspend…
          </MenuItem>
        ) : (
          <MenuItem icon="check" onSelect={() => void restore()}>
            {tenant.deleteAt ? "Restore" : "Resume"}
          </MenuItem>
        )}
        {!tenant.deleteAt && (
          <>
            <MenuSeparator />
            <MenuItem icon="close" refused={isOwn ? OWN : undefined} onSelect={() => setStep("delete")}>
              Delete…
            </MenuItem>
          </>
        )}
      </Menu>
      <Dialog
        open={step !== null}
        onOpenChange={() => setStep(null)}
        title={step ? `${STEPS[step].title} ${tenant.name}` : ""}
        description={step && STEPS[step].description}
      >
        {step === "edit" && <EditTenant {...props} />}
        {step === "suspend" && <SuspendTenant {...props} />}
        {step === "delete" && <DeleteTenant {...props} />}
      </Dialog>
    </>
  );
}
