"use client";

import { useState } from "react";
import { Choice } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { roleName, useRoles } from "./roles";

interface Props {
  label: string;
  name: string;
  initial: string;
  problem: string | undefined;
}

/** The roles that the viewer may give, with what the chosen one is for. */
export function RoleChoice({ label, name, initial, problem }: Props) {
  const { roles, toGive, error, again } = useRoles();
  const [chosen, setChosen] = useState(initial);
  const names = toGive.map((role) => role.name);
  const all = names.includes(initial) ? names : [initial, ...names];
  const more = roles.length > toGive.length ? " Roles that may do more than yours are not listed." : "";
  const description = roles.find((role) => role.name === chosen)?.description ?? "";
  return (
    <>
      <Choice label={label} name={name} value={chosen} problem={problem} hint={`${description}${more}`.trim()} onChange={({ target }) => setChosen(target.value)}>
        {all.map((role) => (
          <option key={role} value={role}>
            {roleName(role)}
          </option>
        ))}
      </Choice>
      <NotRead what="The roles" error={error} onRetry={again} />
    </>
  );
}
