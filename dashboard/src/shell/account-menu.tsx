"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { changeAccount, people } from "@/data/account";
import { messageOf } from "@/data/problem";
import { chooseTheme, chosenTheme, type Theme } from "@/data/theme";
import { useSignOut } from "@/data/use-sign-out";
import { useViewer } from "@/data/viewer";
import { Icon } from "@/ui/icons";
import { Menu, MenuChoices, MenuItem, MenuLabel, MenuLink, MenuSeparator } from "@/ui/menu";
import { useToast } from "@/ui/toast";

export const THEMES: readonly { value: Theme; label: string }[] = [
  { value: "system", label: "Theme of the system" },
  { value: "light", label: "Light theme" },
  { value: "dark", label: "Dark theme" },
];

/** Start a session in another tenant. All tabs show the same one. */
export function useSwitchTenant() {
  const toast = useToast();
  return async (id: string) => {
    const switched = await people().switchTenant(id);
    if (switched.ok) changeAccount();
    else toast("bad", messageOf(switched.error));
  };
}

export function AccountMenu() {
  const viewer = useViewer();
  const switchTenant = useSwitchTenant();
  const signOut = useSignOut();
  const router = useRouter();
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const tenants = viewer?.memberships ?? [];
  const name = viewer?.person?.name ?? viewer?.person?.email ?? (viewer ? "Local installation" : "");
  const tenant = viewer?.tenant.name ?? "";
  return (
    <Menu
      side="top"
      trigger={
        <button
          type="button"
          className="flex w-full items-center gap-2.5 rounded-md p-2 text-left hover:bg-hover"
        >
          <span className="sr-only">Account: </span>
          <span aria-hidden="true" className="grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft text-sm font-semibold text-accent">
            {tenant.slice(0, 1).toUpperCase()}
          </span>
          <span className="min-w-0 text-sm leading-tight">
            <span className="block h-4.5 truncate font-medium">{tenant}</span>
            <span className="block h-4.5 truncate text-xs text-muted">{name}</span>
          </span>
          <Icon name="up" width={15} height={15} className="ml-auto text-muted" />
        </button>
      }
    >
      {tenants.length > 1 && (
        <>
          <MenuLabel>Tenant</MenuLabel>
          <MenuChoices
            value={viewer?.tenant.id ?? ""}
            onChange={(id) => void switchTenant(id)}
            options={tenants.map((each) => ({ value: each.tenant.id, label: each.tenant.name }))}
          />
          <MenuSeparator />
        </>
      )}
      <MenuLabel>Theme</MenuLabel>
      <MenuChoices
        value={theme}
        options={THEMES}
        onChange={(chosen) => {
          chooseTheme(chosen);
          setTheme(chosen);
        }}
      />
      <MenuSeparator />
      {viewer?.person && (
        <MenuItem icon="people" onSelect={() => router.push("/profile/")}>
          Profile
        </MenuItem>
      )}
      <MenuLink icon="info" href="/docs/">
        Documentation
      </MenuLink>
      <MenuItem icon="signOut" onSelect={() => void signOut()}>
        Sign out
      </MenuItem>
    </Menu>
  );
}
