import Link from "next/link";

export interface LinkTab {
  readonly href: string;
  readonly title: string;
  readonly isCurrent: boolean;
}

/** Parts of a page, each with an address of its own. */
export const LinkTabs = ({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) => (
  <nav aria-label={label} className="mb-5 flex gap-1 overflow-x-auto border-b">
    {tabs.map(({ href, title, isCurrent }) => (
      <Link
        key={href}
        href={href}
        prefetch={false}
        aria-current={isCurrent ? "page" : undefined}
        className="flex h-11 items-center border-b-2 border-transparent px-3 text-sm font-medium whitespace-nowrap text-muted hover:text-text
          focus-visible:-outline-offset-4 aria-[current]:border-accent aria-[current]:text-text"
      >
        {title}
      </Link>
    ))}
  </nav>
);
