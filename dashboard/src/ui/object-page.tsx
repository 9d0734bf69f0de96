import { Link } from "./link";
import type { ReactNode } from "react";
import { BackLink } from "./back-link";
import { buttonClass } from "./button";
import type { IconName } from "./icons";
import { PageHeader } from "./page-header";
import { Empty, Failed, Loading, Skeleton, type Problem } from "./states";

interface Props {
  title: ReactNode;
  actions?: ReactNode;
  /** The list that the object is in. */
  list: { readonly href: string; readonly title: string };
  children: ReactNode;
}

/** The page of one object of a list. */
export function ObjectPage({ title, actions, list, children }: Props) {
  return (
    <div className="max-w-3xl">
      <BackLink href={list.href}>{list.title}</BackLink>
      <PageHeader title={title}>{actions}</PageHeader>
      {children}
    </div>
  );
}

interface AbsentProps {
  what: string;
  icon: IconName;
  list: Props["list"];
  problem: Problem | null;
  isLoaded: boolean;
  onRetry(): void;
}

/** What such a page shows without its object: still loading, failed, or there is none. */
export function Absent({ what, icon, list, problem, isLoaded, onRetry }: AbsentProps) {
  if (problem) return <Failed problem={problem} onRetry={onRetry} />;
  if (!isLoaded) {
    return (
      <Loading what={`the ${what}`}>
        <div className="grid gap-5">
          <Skeleton className="h-56 w-full" />
          <Skeleton className="h-72 w-full" />
        </div>
      </Loading>
    );
  }
  return (
    <Empty icon={icon} title={`There is no such ${what}`}>
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href={list.href} className={buttonClass("primary")}>
          Show all
        </Link>
      </p>
    </Empty>
  );
}
