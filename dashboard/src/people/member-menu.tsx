"use client";

import { useStudio } from "agent-studio-client/react";
import { useState, type ReactNode } from "react";
import {
  ChangeMemberRoleDocument,
  CreatePasswordResetLinkDocument,
  EndSessionsOfMemberDocument,
  RemoveMemberDocument,
  ResumeMemberDocument,
  SuspendMemberDocument,
  type MemberRowFragment,
} from "@/gql/people-members";
import { messageOf } from "@/data/problem";
import { useSubmit } from "@/data/use-submit";
import { Ask, type Question } from "@/ui/ask";
import { Dialog } from "@/ui/dialog";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { ShownOnce } from "@/ui/shown-once";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { RoleChoice } from "./role-choice";
import { roleName, useRoles } from "./roles";

interface Props {
  member: MemberRowFragment;
  trigger: ReactNode;
  onChanged(): void;
  /** Where the reader continues after the member was removed; without it the list stays. */
  list?: string;
}

/** What can be done to another member. */
export function MemberMenu({ member, trigger, onChanged, list }: Props) {
  const studio = useStudio();
  const toast = useToast();
  const { missing } = useRoles();
  const [isChangingRole, setChangingRole] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [link, setLink] = useState("");
  const who = member.name ?? member.email;
  const input = { id: member.id };
  const refused = missing(member.role).length ? "Their role may do more than yours." : undefined;

  const suspend = async () => {
    const result = member.suspendedAt
      ? await studio.mutate(ResumeMemberDocument, { input })
      : await studio.mutate(SuspendMemberDocument, { input });
    if (!result.ok) return toast("bad", messageOf(result.error));
    toast("ok", member.suspendedAt ? `${who} is admitted again.` : `${who} is suspended.`);
    onChanged();
  };
  const askForLink: Question = {
    title: `Create a link for ${who}?`,
    description: "The link lets them set a new password. It is valid once, for 30 minutes, and using it ends all of their sessions.",
    confirm: "Create the link",
    run: async () => {
      const result = await studio.mutate(CreatePasswordResetLinkDocument, { input });
      if (!result.ok) return result;
      setLink(result.value.link);
      return result;
    },
  };
  const askForSessions: Question = {
    title: `End all sessions of ${who}?`,
    description: "They are signed out of this tenant everywhere within a second, and can sign in again.",
    confirm: "End the sessions",
    run: async () => {
      const result = await studio.mutate(EndSessionsOfMemberDocument, { input });
      if (!result.ok) return result;
      toast("ok", result.value.ended === 1 ? "One session was ended." : `${result.value.ended} sessions were ended.`);
      onChanged();
      return result;
    },
  };
  const askForRemoval: Question = {
    title: `Remove ${who}?`,
    description:
      "They lose their access within a second, and need an invitation to come back. An account that is in no other tenant is deleted. API keys that they know continue to work until you revoke them.",
    confirm: "Remove the member",
    run: async () => {
      const result = await studio.mutate(RemoveMemberDocument, { input });
      if (!result.ok) return result;
      toast("ok", `${who} was removed.`);
      if (!list) onChanged();
      return result;
    },
    next: list,
  };
  return (
    <>
      <Menu align="end" trigger={trigger}>
        <MenuItem
          icon="swap"
          refused={refused ?? (member.managedBy ? `The identity provider ${member.managedBy} sets the role.` : undefined)}
          onSelect={() => setChangingRole(true)}
        >
          Change the role…
        </MenuItem>
        <MenuItem icon="key" refused={refused} onSelect={() => setQuestion(askForLink)}>
          Link to set a password…
        </MenuItem>
        <MenuItem icon="signOut" refused={refused} onSelect={() => setQuestion(askForSessions)}>
          End all sessions…
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={member.suspendedAt ? "check" : "stop"} refused={refused} onSelect={() => void suspend()}>
          {member.suspendedAt ? "Resume" : "Suspend"}
        </MenuItem>
        <MenuItem icon="close" refused={refused} onSelect={() => setQuestion(askForRemoval)}>
          Remove…
        </MenuItem>
      </Menu>
      <Dialog open={isChangingRole} onOpenChange={setChangingRole} title={`Role of ${who}`} description="It takes effect within a second, also for open pages.">
        <RoleForm
          member={member}
          onDone={() => setChangingRole(false)}
          onChanged={() => {
            setChangingRole(false);
            onChanged();
          }}
        />
      </Dialog>
      <Ask question={question} onClose={() => setQuestion(null)} />
      <Dialog open={link !== ""} onOpenChange={(isOpen) => !isOpen && setLink("")} title={`Link for ${who}`}>
        <ShownOnce
          label="Link"
          value={link}
          warning="This is the only time that the link is shown. Give it to the member only: it opens their account."
          onDone={() => setLink("")}
        />
      </Dialog>
    </>
  );
}

function RoleForm({ member, onDone, onChanged }: { member: MemberRowFragment; onDone(): void; onChanged(): void }) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const save = async (form: FormData) => {
    const role = String(form.get("role"));
    if (!(await submit(ChangeMemberRoleDocument, { id: member.id, role }))) return;
    toast("ok", `${member.name ?? member.email} has the role ${roleName(role)} now.`);
    onChanged();
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void save(form)}>
      <RoleChoice label="Role" name="role" initial={member.role} problem={refusal.fields.role} />
      <Actions label="Change the role" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}
