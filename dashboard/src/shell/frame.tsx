"use client";

import { Link } from "@/ui/link";
import { usePathname } from "next/navigation";
import { useConnection } from "agent-studio-client/react";
import { useEffect, useId, useState, type ReactNode } from "react";
import { Button } from "@/ui/button";
import { Drawer, loadDialogs } from "@/ui/dialog";
import { Icon } from "@/ui/icons";
import { loadMenus } from "@/ui/menu";
import { preload } from "@/ui/on-demand";
import { Skeleton } from "@/ui/states";
import { useViewer } from "@/data/viewer";
import { AccountMenu } from "./account-menu";
import { CommandPalette } from "./command-palette";
import { loadSignIn } from "./load-sign-in";
import { isListed, LINKS, PAGES, type Page } from "./pages";

export function Logo() {
  return (
    <span className="flex items-center gap-2.5 font-semibold">
      <svg viewBox="0 0 16 16" width="26" height="26" aria-hidden="true">
        <rect width="16" height="16" rx="4" className="fill-accent" />
        <path d="M4 7v2M6.7 4.5v7M9.4 6v4M12 7.2v1.6" className="stroke-on-accent" strokeWidth="1.4" strokeLinecap="round" />
      </svg>
      Agent Studio
    </span>
  );
}

/** What is shown before the browser knows who is signed in, and what they may do. */
export function FrameSkeleton() {
  return (
    <div className="app-frame">
      <div className="fixed inset-y-0 left-0 hidden w-60 border-r bg-surface p-4 lg:block">
        <Logo />
      </div>
      <div className="h-14 border-b bg-surface lg:hidden" />
      <div className="px-4 py-6 md:px-8 lg:ml-60">
        <Skeleton className="h-8 w-40" />
        <Skeleton className="mt-6 h-72 w-full" />
      </div>
    </div>
  );
}

/** By then a page has loaded what it needs itself. */
const PRELOAD_AFTER_MS = 3000;

export function Frame({ children }: { children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const path = usePathname();
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    const timer = setTimeout(() => preload(loadMenus, loadDialogs, loadSignIn), PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="app-frame">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-3 focus:left-3 focus:z-60 focus:rounded-md focus:bg-accent focus:px-4
          focus:py-2 focus:text-on-accent"
      >
        Skip to the content
      </a>
      <div className="fixed inset-y-0 left-0 z-20 hidden w-60 flex-col overflow-y-auto border-r bg-surface lg:flex">
        <Sidebar onSearch={() => setSearching(true)} />
      </div>
      <header className="sticky top-0 z-20 flex h-14 items-center gap-2 border-b bg-surface px-3 lg:hidden">
        <Button kind="ghost" icon="menu" aria-label="Open the navigation" onClick={() => setOpen(true)} />
        <Logo />
        <Button kind="ghost" icon="search" aria-label="Search pages and commands" className="ml-auto" onClick={() => setSearching(true)} />
      </header>
      <Drawer open={isOpen} onOpenChange={setOpen} title="Navigation">
        <Sidebar
          onSearch={() => {
            setOpen(false);
            setSearching(true);
          }}
        />
      </Drawer>
      <main id="main" tabIndex={-1} className="mx-auto max-w-[90rem] px-4 pt-6 pb-16 md:px-8 lg:ml-60">
        <Connection />
        {children}
      </main>
      <CommandPalette open={isSearching} onOpenChange={setSearching} />
    </div>
  );
}

function NavigationLink({ page: { href, title, icon }, isCurrent }: { page: Page; isCurrent: boolean }) {
  return (
    <Link
      href={href}
      aria-current={isCurrent ? "page" : undefined}
      className={`flex h-9 items-center gap-3 rounded-md px-2.5 text-sm font-medium ${
        isCurrent ? "bg-accent-soft text-accent" : "text-text hover:bg-hover"
      }`}
    >
      <Icon name={icon} />
      {title}
    </Link>
  );
}

function Sidebar({ onSearch }: { onSearch(): void }) {
  const path = usePathname();
  const viewer = useViewer();
  const id = useId();
  const mine = PAGES.filter(({ scope }) => isListed(scope, viewer?.scopes));
  const names = [...new Set(mine.map(({ group }) => group ?? ""))];
  const groups = names.map((name) => ({ name, pages: mine.filter(({ group }) => (group ?? "") === name) }));
  const isCurrent = (href: string) => (href === "/" ? path === "/" : path.startsWith(href));
  return (
    <nav aria-label="Main" className="flex min-h-full grow flex-col">
      <div className="flex h-14 items-center px-4">
        <Logo />
      </div>
      <div className="px-3">
        <button
          type="button"
          onClick={onSearch}
          className="flex h-9 w-full items-center gap-2 rounded-md border bg-sunken px-2.5 text-sm text-muted hover:bg-hover"
        >
          <Icon name="search" width={16} height={16} />
          Search
          <kbd className="ml-auto rounded border bg-surface px-1.5 font-sans text-xs" aria-hidden="true">
            Ctrl K
          </kbd>
        </button>
      </div>
      <div className="mt-4 grid gap-4 px-3">
        {groups.map(({ name, pages }) => (
          <div key={name} className="grid gap-0.5">
            {name && (
              <p id={`${id}-${name}`} className="px-2.5 pb-1 text-xs font-medium text-muted">
                {name}
              </p>
            )}
            <ul aria-labelledby={name ? `${id}-${name}` : undefined} className="grid gap-0.5">
              {pages.map((page) => (
                <li key={page.href}>
                  <NavigationLink page={page} isCurrent={[page.href, ...(page.also ?? [])].some(isCurrent)} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
      <div className="mt-6 grid gap-0.5 px-3">
        {LINKS.map(({ href, title }) => (
          <a key={href} href={href} className="flex h-8 items-center gap-3 rounded-md px-2.5 text-sm text-muted hover:bg-hover hover:text-text">
            <Icon name="external" width={15} height={15} className="mx-px" />
            {title}
          </a>
        ))}
      </div>
      <div className="mt-auto border-t p-3">
        <AccountMenu />
      </div>
    </nav>
  );
}

const GRACE_MS = 1500;

/** Says that the live parts of the page stand still. A reconnection that takes a moment is not worth a word. */
function Connection() {
  const isLost = useConnection() === "RECONNECTING";
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (!isLost) return setShown(false);
    const timer = setTimeout(() => setShown(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [isLost]);
  return (
    <div role="status" className="fixed top-3 left-1/2 z-50 -translate-x-1/2">
      {isShown && (
        <span className="fade-in flex items-center gap-2 rounded-full border bg-raised px-3.5 py-1.5 text-sm text-warn shadow-large">
          <Icon name="refresh" width={15} height={15} />
          Connection lost, reconnecting…
        </span>
      )}
    </div>
  );
}
