// What the figures of a day say.

import type { Blame, OverviewQuery } from "@/gql/overview";

export type Statistics = NonNullable<OverviewQuery["today"]>;
type Group = Statistics["groups"][number];

export interface Share<Name> {
  readonly name: Name;
  readonly count: number;
}

/** The parties whose calls need attention. */
export const FAULTS: readonly Blame[] = ["PLATFORM", "PROVIDER", "CARRIER", "CONFIG"];

export const isFault = ({ blame }: Pick<Group, "blame">) => blame !== null && FAULTS.includes(blame);
export const sumOf = (groups: readonly Group[]) => groups.reduce((sum, { calls }) => sum + calls, 0);

/** The calls that have ended by one of their facts, the largest share first. */
export function sharesOf<Name>(groups: readonly Group[], nameOf: (group: Group) => Name | null): readonly Share<Name>[] {
  const counts = new Map<Name, number>();
  for (const group of groups) {
    const name = nameOf(group);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + group.calls);
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}
