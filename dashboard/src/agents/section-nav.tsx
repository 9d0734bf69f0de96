"use client";

import { Link } from "@/ui/link";
import { useEffect, useState } from "react";
import { SECTIONS, type SectionId } from "./problems";

/** For a link to the section that the address names already: the router stays where it is then. */
export const showSection = (id: SectionId) => document.getElementById(id)?.scrollIntoView();

interface NavProps {
  /** The address of the page without the part behind `#`. */
  href: string;
  /** Sections with values that the API refused. */
  wrong: ReadonlySet<SectionId>;
  hidden?: SectionId;
}

/** Links to the sections: a column next to the form, or a row above it in a narrow window. */
export function SectionNav({ href, wrong, hidden }: NavProps) {
  const [current, setCurrent] = useCurrentSection();
  return (
    <nav
      aria-label="Sections of the agent"
      className="sticky top-14 z-10 -mx-4 overflow-x-auto border-b bg-bg px-4 md:-mx-8 md:px-8 lg:top-6 lg:mx-0 lg:self-start
        lg:border-0 lg:px-0"
    >
      <ul className="flex gap-1 py-1.5 lg:grid lg:py-0">
        {SECTIONS.filter(({ id }) => id !== hidden).map(({ id, title }) => (
          <li key={id}>
            <Link
              href={`${href}#${id}`}
              replace
              onClick={() => {
                setCurrent(id);
                showSection(id);
              }}
              aria-current={current === id ? "true" : undefined}
              className={`flex min-h-8 items-center gap-2 rounded-md px-2.5 text-sm whitespace-nowrap ${
                current === id ? "bg-accent-soft font-medium text-accent" : "text-muted hover:bg-hover hover:text-text"
              }`}
            >
              {title}
              {wrong.has(id) && <span className="size-2 rounded-full bg-bad" role="img" aria-label="has a problem" />}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The section in the window that the address names, else the topmost one. The named one is scrolled to once it is there. */
function useCurrentSection() {
  const [current, setCurrent] = useState<string>(SECTIONS[0].id);
  useEffect(() => {
    const named = () => SECTIONS.find(({ id }) => `#${id}` === location.hash)?.id ?? "";
    document.getElementById(named())?.scrollIntoView();
    const visible = new Set<string>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (isIntersecting) visible.add(target.id);
          else visible.delete(target.id);
        }
        const shown = visible.has(named()) ? named() : SECTIONS.find(({ id }) => visible.has(id))?.id;
        if (shown) setCurrent(shown);
      },
      { rootMargin: "-120px 0px -40% 0px" },
    );
    for (const { id } of SECTIONS) {
      const section = document.getElementById(id);
      if (section) observer.observe(section);
    }
    return () => observer.disconnect();
  }, []);
  return [current, setCurrent] as const;
}
