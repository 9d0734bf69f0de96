"use client";

import { Link } from "./link";
import { useEffect, useRef } from "react";

export interface LinkTab {
  readonly href: string;
  readonly title: string;
  readonly isCurrent: boolean;
}

/** The parts of a page, each with an address of its own. In a narrow window they are scrolled. */
export function LinkTabs({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) {
  const nav = useRef<HTMLElement>(null);
  const current = tabs.find(({ isCurrent }) => isCurrent)?.href;
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <nav ref={nav} aria-label={label} className="mb-5 flex gap-x-1 overflow-x-auto shadow-[inset_0_-1px_0_var(--line)] [scrollbar-width:thin]">
      {tabs.map(({ href, title, isCurrent }) => (
        <Link
          key={href}
          href={href}
          scroll={false}
          aria-current={isCurrent ? "page" : undefined}
          className={`inline-flex min-h-10 shrink-0 items-center border-b-2 px-3 text-sm font-medium focus-visible:-outline-offset-2 ${
            isCurrent ? "border-accent text-accent" : "border-transparent text-muted hover:text-text"
          }`}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}
