import Link from "next/link";

interface LinkTab {
  readonly href: string;
  readonly title: string;
  readonly isCurrent: boolean;
}

/** The parts of a page, each with an address of its own. */
export function LinkTabs({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) {
  return (
    <nav aria-label={label} className="mb-5 flex flex-wrap gap-x-1 border-b">
      {tabs.map(({ href, title, isCurrent }) => (
        <Link
          key={href}
          href={href}
          prefetch={false}
          scroll={false}
          aria-current={isCurrent ? "page" : undefined}
          className={`-mb-px inline-flex min-h-10 items-center border-b-2 px-3 text-sm font-medium ${
            isCurrent ? "border-accent text-accent" : "border-transparent text-muted hover:text-text"
          }`}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}
