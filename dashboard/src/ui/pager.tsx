import { Link } from "./link";
import { buttonClass } from "./button";

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

interface Props {
  path: string;
  /** The query of the address without the page of the list. */
  query: URLSearchParams;
  page: PageInfo | undefined;
}

/** To the neighbouring pages of a list, which are links with cursors. Nothing for a list of one page. */
export function Pager({ path, query, page }: Props) {
  if (!page || !(page.hasNextPage || page.hasPreviousPage)) return null;
  const to = (changes: Record<string, string>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes)) next.set(name, value);
    return `${path}?${next}`;
  };
  const items = [
    { title: "First page", href: page.hasPreviousPage ? to({}) : null },
    { title: "Previous", href: page.hasPreviousPage && page.startCursor ? to({ before: page.startCursor }) : null },
    { title: "Next", href: page.hasNextPage && page.endCursor ? to({ after: page.endCursor }) : null },
  ];
  return (
    <nav aria-label="Pages of the list" className="mt-4 flex justify-end gap-2">
      {items.map(({ title, href }) =>
        href ? (
          <Link key={title} href={href} className={buttonClass("secondary")}>
            {title}
          </Link>
        ) : (
          <span key={title} aria-disabled="true" className={buttonClass("secondary")}>
            {title}
          </span>
        ),
      )}
    </nav>
  );
}
