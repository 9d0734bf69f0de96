"use client";

import { useRouter } from "next/navigation";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { chooseTheme } from "@/data/theme";
import { useSignOut } from "@/data/use-sign-out";
import { useViewer } from "@/data/viewer";
import { Icon, type IconName } from "@/ui/icons";
import { THEMES, useSwitchTenant } from "./account-menu";
import { isListed, LINKS, PAGES } from "./pages";

interface Command {
  readonly title: string;
  readonly group: string;
  readonly icon: IconName;
  run(): void;
}

const THEME_ICONS = { system: "system", light: "sun", dark: "moon" } as const;
const CALL_ID = /^[A-Za-z0-9+/_-]{20,}=*$/;

function useCommands(typed: string): readonly Command[] {
  const router = useRouter();
  const viewer = useViewer();
  const switchTenant = useSwitchTenant();
  const signOut = useSignOut();
  return useMemo(() => {
    const pages = PAGES.flatMap((page) => [page, ...(page.parts ?? []).map((part) => ({ ...part, icon: page.icon }))]);
    const mine = pages.filter(({ scope }) => isListed(scope, viewer?.scopes));
    const all: Command[] = [
      ...mine.map(({ title, icon, href }) => ({ title, icon, group: "Pages", run: () => router.push(href) })),
      { title: "Live calls", icon: "calls", group: "Pages", run: () => router.push("/calls/?live=true") },
      ...(viewer?.person ? [{ title: "Profile", icon: "people" as const, group: "Pages", run: () => router.push("/profile/") }] : []),
      ...LINKS.map(({ title, href }) => ({ title, icon: "external" as const, group: "Pages", run: () => location.assign(href) })),
      ...(viewer?.memberships ?? [])
        .filter(({ tenant }) => tenant.id !== viewer?.tenant.id)
        .map(({ tenant }) => ({
          title: `Switch to ${tenant.name}`,
          icon: "swap" as const,
          group: "Tenants",
          run: () => void switchTenant(tenant.id),
        })),
      ...THEMES.map(({ value, label }) => ({ title: label, icon: THEME_ICONS[value], group: "Actions", run: () => chooseTheme(value) })),
      { title: "Sign out", icon: "signOut", group: "Actions", run: () => void signOut() },
    ];
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
    const id = typed.trim();
    if (!CALL_ID.test(id)) return found;
    const open = () => router.push(`/call/?id=${encodeURIComponent(id)}`);
    return [{ title: `Open the call ${id}`, icon: "calls", group: "Calls", run: open }, ...found];
  }, [router, signOut, switchTenant, typed, viewer]);
}

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
}

/** A dialog of the browser and not of Radix, which would have to be loaded first: people press a key to open it, and type at once. */
export function CommandPalette({ open, onOpenChange }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const toggle = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (open) dialog.current?.close();
      else onOpenChange(true);
    };
    addEventListener("keydown", toggle);
    return () => removeEventListener("keydown", toggle);
  }, [open, onOpenChange]);
  useLayoutEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={dialog}
      role="dialog"
      aria-label="Search pages and commands"
      onClose={() => onOpenChange(false)}
      onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}
      className="fade-in mx-auto mt-[12vh] w-[min(92vw,36rem)] overflow-hidden rounded-xl border bg-raised p-0 text-text shadow-large backdrop:bg-black/45"
    >
      <Palette onDone={() => dialog.current?.close()} />
    </dialog>
  );
}

function Palette({ onDone }: { onDone(): void }) {
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const commands = useCommands(typed);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const at = Math.min(active, commands.length - 1);

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onDone();
    command.run();
  };
  const move = (to: number) => setActive((to + commands.length) % Math.max(1, commands.length));

  return (
    <>
      <div className="flex items-center gap-2.5 border-b px-4">
        <Icon name="search" className="text-muted" />
        <input
          autoFocus
          role="combobox"
          aria-label="Search pages and commands"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={commands[at] ? `${id}-${at}` : undefined}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          placeholder="A page, a command, or the id of a call"
          className="h-12 w-full bg-transparent text-sm outline-none placeholder:text-muted"
          onChange={(event) => {
            setTyped(event.target.value);
            setActive(0);
          }}
          onKeyDown={(event) => {
            const moves: Record<string, () => void> = {
              ArrowDown: () => move(at + 1),
              ArrowUp: () => move(at - 1),
              Enter: () => run(commands[at]),
            };
            const go = moves[event.key];
            if (!go) return;
            event.preventDefault();
            go();
          }}
        />
      </div>
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label="Results" className="max-h-80 overflow-y-auto p-1.5">
        {commands.map((command, index) => (
          <li
            key={`${command.group} ${command.title}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className="flex h-9 cursor-pointer items-center gap-3 rounded-md px-3 text-sm aria-selected:bg-hover"
            onPointerMove={() => setActive(index)}
            onClick={() => run(command)}
          >
            <Icon name={command.icon} className="text-muted" />
            <span className="truncate">{command.title}</span>
            <span className="ml-auto text-xs text-muted">{command.group}</span>
          </li>
        ))}
      </ul>
      <p role="status" className={commands.length ? "sr-only" : "px-4 pb-4 text-center text-sm text-muted"}>
        {commands.length ? `${commands.length} results` : "Nothing matches."}
      </p>
    </>
  );
}
